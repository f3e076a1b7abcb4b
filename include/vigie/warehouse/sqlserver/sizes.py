"""The size of every table, as SQL Server tells it. Parsed by Microsoft's parser, never run."""

TABLE_SIZES = """
SELECT s.name + N'.' + o.name AS name, SUM(a.total_pages) * 8192 AS bytes
FROM sys.objects AS o
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
JOIN sys.partitions AS p ON p.object_id = o.object_id
JOIN sys.allocation_units AS a ON a.container_id = CASE WHEN a.type = 2 THEN p.partition_id
                                                       ELSE p.hobt_id END
WHERE o.type = 'U' AND s.name IN (N'dim', N'fact', N'ops')
GROUP BY s.name, o.name
"""
"""A table with its partitions and indexes, in bytes."""
