"""Mistakes as people make them in T-SQL, each in a committed file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """`old` becomes `new` in a file; `said`, a pattern, is said at the line of `at` or of `new`."""

    file: str
    old: str
    new: str
    said: str
    at: str = ""


_NVARCHAR = "nvarchar(max) COLLATE Latin1_General_100_BIN2"

MISSPELT = [
    Mistake(
        "0004_fleet.sql",
        "ORDER BY f.event_time DESC)",
        "ORDER BY f.event_time DESC LIMIT 1)",
        "encountered LIMIT",
    ),
    Mistake("0023_monitoring.sql", "e.event_date,", "e.event_date::date,", "`::` names a member"),
    Mistake(
        "0016_lake.sql",
        "CREATE TABLE ops.lake",
        "MERGE INTO ops.lake a USING ops.lake b ON a.feed = b.feed WHEN MATCHED THEN DELETE;\n"
        "CREATE TABLE ops.lake",
        "MERGE: races",
        at="MERGE INTO",
    ),
    Mistake(
        "0001_core.sql",
        "MAX(last_event_time)",
        "DATETRUNC(day, MAX(last_event_time))",
        "DATETRUNC is a function of SQL Server 2022",
    ),
    Mistake(
        "0023_monitoring.sql",
        "SQRT(e.squared / e.predictions)",
        "GREATEST(e.squared, e.predictions)",
        "GREATEST is a function of SQL Server 2022",
    ),
    Mistake(
        "0009_reconciliation.sql",
        "at datetime2(3)",
        "at timestamptz",
        "timestamptz is no type",
    ),
    Mistake("0019_model.sql", "run_id nvarchar(max)", "run_id text", "text is a type no new table"),
    Mistake("0001_core.sql", "DEFAULT SYSUTCDATETIME()", "DEFAULT now()", "now is no function"),
]
"""Caught by grammar and names."""

UNBOUND = [
    Mistake("0004_fleet.sql", "       p.dust_max\n", "       p.dust_most\n", r"\[dust_most\]"),
    Mistake("0023_monitoring.sql", "FROM ops.model_input;", "FROM ops.model_is;", r"\[model_is\]"),
    Mistake(
        "0005_gas_turbine.sql",
        "INDEX gas_turbine_daily_columns ON fact.gas_turbine_daily ON vigie_month (day_start)",
        "INDEX gas_turbine_daily_columns ON fact.gas_turbine_daily ON vigie_day (day_start)",
        r"\[vigie_day\]",
    ),
    Mistake(
        "0001_core.sql",
        f"    reason {_NVARCHAR} NOT NULL,\n    found_at",
        "    found_at",
        "ops.gap.reason is missing",
        at="CREATE TABLE ops.gap",
    ),
    Mistake(
        "0008_ingest_key.sql",
        "    created_by",
        "    maker int NULL,\n    created_by",
        "ops.ingest_key.maker is in this database alone",
        at="CREATE TABLE ops.ingest_key",
    ),
    Mistake(
        "0001_core.sql",
        "    value float(53) NULL",
        "    value real NULL",
        "fact.alert.value is real null, expected float null",
        at="CREATE TABLE fact.alert",
    ),
    Mistake(
        "0007_alerts.sql",
        "message nvarchar(max)",
        "message nvarchar(400)",
        "ops.alert_outbox.message is nvarchar",
        at="CREATE TABLE ops.alert_outbox",
    ),
    Mistake(
        "0016_lake.sql",
        "commit_no bigint NOT NULL",
        "commit_no bigint NULL",
        "ops.lake.commit_no is bigint null, expected bigint not null",
        at="CREATE TABLE ops.lake",
    ),
    Mistake(
        "0002_air_quality.sql",
        "KEY NONCLUSTERED (sensor_id, hour_start)",
        "KEY NONCLUSTERED (hour_start)",
        "fact.air_quality_hourly has key",
        at="CREATE TABLE fact.air_quality_hourly",
    ),
    Mistake(
        "0003_environment.sql",
        "AS peak",
        "AS highest",
        r"report.environment_episode: lacks \['peak'\]",
        at="CREATE VIEW report.environment_episode",
    ),
    Mistake(
        "0006_smart_meter.sql",
        "AS window_length",
        "AS length",
        r"report.smart_meter_windows: lacks \['window_length'\]",
        at="CREATE FUNCTION report.smart_meter_windows",
    ),
]
"""Caught by binding names, and by comparing with PostgreSQL."""
