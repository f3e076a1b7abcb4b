"""The daily housekeeping of warehouse and Airflow, as tasks call it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk.exceptions import AirflowSkipException

log = logging.getLogger(__name__)

KEPT = timedelta(days=90)


def migrate_and_verify() -> list[str]:
    """Run the migration files the warehouse lacks, and return their names.

    Raises:
        MigrationError: A file failed, or the warehouse still is not what contracts and files say;
            each difference is named.
    """
    from vigie.contract.loader import load_feeds
    from vigie.errors import MigrationError
    from vigie.warehouse.migrate import apply
    from vigie.warehouse.verify import drift

    files = apply()
    log.info("\n".join(files) or "the warehouse lacks no file")
    if differences := drift(load_feeds().values()):
        message = "the warehouse is not what contracts and files say: " + "; ".join(differences)
        raise MigrationError(message)
    return files


def fold_warehouse() -> None:
    """Fold the ledger and remove old launches, events and reconciliations of every feed."""
    from vigie.contract.loader import feed_titles
    from vigie.monitoring.record import forget_old_checks
    from vigie.supervision.forget import forget_old
    from vigie.warehouse.engines import get_engine
    from vigie.warehouse.fold import fold_ledger

    engine = get_engine()
    for feed in feed_titles():
        folded, forgotten = fold_ledger(engine, feed), forget_old(engine, feed)
        log.info("%s: %d ledger rows folded, %d old rows removed", feed, folded, forgotten)
    with engine.begin() as connection:
        log.info("%d old looks at models removed", forget_old_checks(connection))


def clean_airflow() -> None:
    """Remove runs, task instances, events and task logs older than 90 days.

    Raises:
        AirflowSkipException: The setting that says where Airflow's metadata is, is empty.
    """
    from vigie.settings import get_settings

    removed = _remove_old_logs(Path(os.environ["AIRFLOW_HOME"]) / "logs")
    log.info("%d old log files removed", removed)
    database = get_settings().airflow_database
    if not database:
        raise AirflowSkipException("VIGIE_AIRFLOW_DATABASE is empty; run `airflow db clean` there")
    before = (datetime.now(UTC) - KEPT).isoformat(timespec="seconds")
    command = [str(Path(sys.executable).with_name("airflow")), "db", "clean", "--yes"]
    command += ["--clean-before-timestamp", before, "--skip-archive", "--error-on-cleanup-failure"]
    # A task is not told where the metadata is; this one is the exception.
    env = os.environ | {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    log.info("airflow db clean:\n%s%s", done.stdout, done.stderr)
    done.check_returncode()


def _remove_old_logs(folder: Path) -> int:
    oldest = time.time() - KEPT.total_seconds()
    old = [p for p in folder.rglob("*") if p.is_file() and p.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
