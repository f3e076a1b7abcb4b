"""Collects files that were laid into the inbox, when one is whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, AssetWatcher, dag, task

from vigie.orchestration.triage import triage
from vigie.orchestration.watch_inbox import WatchInbox

PAGE = triage(
    does="Takes files from `<inbox>/<feed>/` (the inbox is `VIGIE_INBOX`): CSV by the recipe that "
    "reads files of that name, JSON lines from `.jsonl`; either may be `.gz`. A file is taken once "
    "nobody has written to it for 5 seconds; names that begin with `.` or end in `.part` are left "
    "alone. Its readings go to Kafka as any others do, and the file to `done/<date>/`, or, if "
    "nothing of it could be sent, to `rejected/`. A report of what was refused, line by line, "
    "lies beside it: pass it to whoever delivered the file. A rejected file is not red.",
    red="A file could not be taken, for a reason that is not the file's: Kafka away, a folder that "
    "may not be written to, a contract or a recipe that is wrong. It stays in the inbox and is "
    "tried again every ten minutes; the other files were taken.",
    todo="Read the error in the task's log; it names each file. Mend the reason, then clear the "
    "task or wait. To send a file again, put it into the inbox again, whole: copies do not count.",
)

inbox = Asset(
    name="inbox",
    uri="vigie://inbox",
    watchers=[AssetWatcher(name="inbox", trigger=WatchInbox())],
)


@dag(
    dag_id="collect_files",
    schedule=[inbox],
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "vigie", "retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["inbox"],
    doc_md=PAGE,
)
def collect_files() -> None:
    @task
    def collect() -> None:
        from vigie.orchestration.collect_inbox import collect_or_fail

        collect_or_fail()

    collect()


collect_files()
