"""Where everything is: read from the environment, then from `vigie.env` in the state folder."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

HOME = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """One instance per process; every name is also an environment variable `VIGIE_<NAME>`.

    What stands below a name is its description in `docs/settings.md`.
    """

    model_config = SettingsConfigDict(
        env_prefix="VIGIE_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    feeds: Path = HOME / "include" / "feeds"
    """The folder of contracts, with `replay/` for recipes and `started.txt` for what starts."""
    state: Path = HOME / ".vigie"
    """The state folder: data, logs, `vigie.env`; another folder is another stack."""
    secrets: Path | None = None
    """A folder of files, each named like the variable of the setting it holds, in small letters."""
    jars: Path = HOME / ".cache" / "jars"
    """The folder of the jars that Spark, Kafka and the document server run on."""
    ddl: Path = HOME / "warehouse_ddl"
    """The folder of migration files, one folder per database in it."""
    spark_apps: Path = HOME / "spark_apps"
    """The folder of what is submitted to Spark; workers must see it under the same path."""
    powerbi: Path = HOME / "powerbi"
    """The folder of the Power BI project."""

    kafka: str = "127.0.0.1:9092"
    """The broker's address as `host:port`, or several with commas between."""
    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How the broker is spoken to: with TLS (`SSL`), with a login (`SASL`), or both."""
    kafka_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    """How the login is proved."""
    kafka_user: str = ""
    """The user who logs in."""
    kafka_password: str = ""
    """The password of that user; better in a file of `VIGIE_SECRETS` than in the environment."""
    kafka_ca: str = ""
    """A PEM file of the authorities that sign the broker's certificate; empty: the system's."""
    warehouse: str = ""
    """SQLAlchemy URL of the role that loads (member of `vigie_ingest`)."""
    warehouse_owner: str = ""
    """SQLAlchemy URL of the role that owns the schemas and runs migrations."""
    warehouse_reader: str = ""
    """SQLAlchemy URL of the role that may only read `report` and `ops`."""
    session: str = ""
    """What the database shows as the name of this process's sessions."""
    documents: str = ""
    """mongodb:// URL for feeds with the sink `documents`; empty: nothing is kept there, and the
    driver's log and `vigie reconcile` say so."""
    lake: str = ""
    """Where the lake is: a folder or `hdfs://host:port/path`; empty is `<state>/lake`."""
    lake_retention: str = ""
    """How long the lake keeps the records of a day, such as `5 years`; empty: for ever. A day that
    expired can no longer be restated."""
    lake_vacuum: str = "7 days"
    """How long the lake's files that no commit needs any more stay, for whoever reads them."""
    inbox: Path | None = None
    """Where `collect_files` finds a folder of files for each feed; by default `<state>/inbox`."""
    spark_rest: str = "http://127.0.0.1:6066"
    """The REST interface of the Spark master, where drivers are submitted and killed."""
    spark_rest_key: str = ""
    """The key (base64url) of its JWSFilter, which requests are signed with; empty: they are not.
    `vigie up` makes one."""
    spark_driver_master: str = "local[2]"
    """How a driver runs its tasks: `local[n]`, in n threads of its own."""
    spark_ui_port: int = 4040
    """The first of the fixed Spark UI ports; each feed takes the next in order of name."""
    spark_ui: str = ""
    """Where people reach the Spark master's own page; empty: the Streams page has no link to it."""
    spark_driver_ui: str = ""
    """Where they reach the drivers' pages, without the port; empty: there is no link to them."""
    driver_metrics_port: int = 0
    """The first of the ports at which drivers show metrics of their batches, as Spark's own pages;
    0: none does."""
    driver_metrics: int = 0
    """The port at which this driver does; set by who submits it."""
    driver_metrics_host: str = "127.0.0.1"
    """The address at which they listen there: one that Prometheus reaches, if it is elsewhere."""
    driver_memory: str = "1g"
    """The heap of a stream's driver, as the JVM writes it; Python beside it takes 0.2 GB."""
    ingest: str = "http://127.0.0.1:8000"
    """Where the HTTP API is reached by who sends through it."""
    ingest_key: str = ""
    """The key that sender has."""
    ingest_rate: str = "20000/second"
    """Readings that the API takes with one key, as `count/second`, `/minute` or `/hour`."""
    mlflow: str = ""
    """Where the model registry is; empty: there is none, and no model is trained or used."""
    model_approval: bool = False
    """Whether `train_<model>` asks a person before a challenger becomes champion."""
    refresh_settle: float = 600.0
    """Seconds that `refresh_powerbi` waits after a change of past facts, for others to come."""
    airflow: str = "http://127.0.0.1:8080"
    """Where Airflow is: its API for the exporter, the Streams page for people."""
    airflow_database: str = ""
    """SQLAlchemy URL of Airflow's metadata, from which `migrate_warehouse` removes old runs."""
    pushgateway: str = ""
    """Where bounded DAGs push seconds and result of their runs; empty: nowhere."""
    model_look: float = 5.0
    """Seconds between two looks of a stream at which version of its model is champion."""
    pages: str = ""
    """Where people reach the analysts' pages; empty: the Streams page has no link to them."""
    pages_refresh: float = 5.0
    """Seconds between two looks of a page that shows what happens now."""
    disk_floor: float = 2.0
    """Gigabytes (10^9 bytes) free on the disk of the state folder below which streams wait."""


@cache
def get_settings() -> Settings:
    """The settings of this process; `<state>/vigie.env`, written by the local stack, fills gaps.

    So do the files of the folder `VIGIE_SECRETS`, which a container gets.
    """
    state = Path(os.environ.get("VIGIE_STATE", Settings.model_fields["state"].default))
    secrets = os.environ.get("VIGIE_SECRETS")
    return Settings(_env_file=state / "vigie.env", _secrets_dir=secrets)
