"""Batches the endpoint refuses; some of them SQL Server would too."""

from __future__ import annotations

REFUSED = [
    "SELECT GETDATE()",
    "SELECT sensor FROM dim.sensor WITH (NOLOCK)",
    "MERGE INTO dim.sensor AS t USING dim.sensor AS s ON 1 = 0 WHEN MATCHED THEN DELETE;",
    "EXEC sp_who",
    "DROP TABLE dim.sensor",
    "SELECT CAST(1 AS money)",
    "SELECT @@ROWCOUNT",
    "SET ROWCOUNT 5",
    "DELETE t FROM dim.sensor AS t LEFT JOIN dim.rule AS r ON r.rule_id = t.sensor_id",
]
