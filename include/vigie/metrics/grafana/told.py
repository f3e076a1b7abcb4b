"""What stands at each panel: title, meaning, unit, runbook, levels."""

from __future__ import annotations

from vigie.metrics.grafana.panels import Told

STATE = Told("State of the streams", "What each stream does; stalled and dead ones are relaunched.")
SOURCES = Told(
    "Exporter", "1: every part answers the exporter.", alert="ExporterSourceDown", levels=(1, 0.5)
)
AIRFLOW = Told(
    "Airflow", "1: healthy, as Airflow has it.", alert="AirflowSchedulerSilent", levels=(1, 0.5)
)
DISK = Told(
    "Disk above the floor",
    "Free on the disk of the state folder, above what streams wait for.",
    "decbytes",
    "DiskFilling",
    (5e9, 1e9),
)
FAULTS = Told(
    "Unaccounted",
    "Faults that the last reconciliations found.",
    alert="ReconciliationFault",
    levels=(1, 2),
)
FIRING = Told("Alerts firing", "Rules of Prometheus that fire now.", levels=(1, 5))
READ = Told("Messages read", "By committed batches, a second.", "cps")
LAG = Told("Messages not read", "In the topic and in no committed batch.", alert="StreamLagging")
LAG_SECONDS = Told(
    "Behind since", "Since the driver was last level with its topic.", "s", "StreamLagging"
)
COMMIT = Told(
    "Since the last commit", "Grows while nothing arrives, too.", "s", "StreamNotCommitting"
)
SHARE = Told(
    "Share in quarantine",
    "Of the messages read.",
    "percentunit",
    "QuarantineShareHigh",
    (0.05, 0.2),
)
LAUNCHES = Told(
    "Launches in an hour", "More than one or two: the driver keeps dying.", alert="StreamStalled"
)
ACCEPTED = Told("Readings accepted", "Acknowledged by Kafka, a second.", "cps")
ANSWERS = Told("Answers by code", "Requests a second.", "reqps")
ACKNOWLEDGED = Told(
    "Acknowledged within, p95", "From handing over to the last acknowledgement.", "s"
)
LAKE_LAG = Told(
    "Not archived", "Messages in the topic that the lake lacks.", alert="ArchiveBehindRetention"
)
LAKE = Told("Size of the lake", "After the last archive.", "bytes")
TABLES = Told("Largest tables", "With indexes and all months.", "bytes")
JOBS = Told("Since jobs ran", "Reconciliation, archive, compaction.", "s")
HEARTBEATS = Told(
    "Airflow's heartbeats", "Since each component's last.", "s", "AirflowSchedulerSilent"
)
RUN_ROWS = Told("Handled by runs", "What the last run of each DAG counted: messages or rows.")
SLOTS = Told("Airflow's slots", "Tasks its executor runs, queues and could still take.")
PARSING = Told("Parsing all DAGs", "How long the DAG processor took for all files.", "s")
FAILED_TASKS = Told("Tasks that failed", "In an hour, by DAG, each retry counted.")
SCRAPE = Told("Exporter's sources", "How long each took to answer last.", "s")
GAPS = Told(
    "Open gaps",
    "Gaps nobody has accepted; they block the stream.",
    alert="StreamStalled",
    levels=(1, 2),
)
ALERTS = Told("Open alerts", "Episodes raised and not cleared.")
OUTBOX = Told("Alert messages waiting", "Committed, and not yet in Kafka.", levels=(100, 1000))
WATCHED = Told("Watched", "Since a run of the stream's DAG last looked.", "s", levels=(60, 300))
BEAT = Told("Heartbeat", "Since the driver's last.", "s", "StreamStalled", (10, 30))
LAUNCH = Told("Launch", "Starts of the driver since the first.")
BECAME = Told("What became of messages", "A second.", "cps", "QuarantineShareHigh")
LAG_BY_PARTITION = Told(
    "Not read, by partition", "One alone: its leader or its keys.", alert="StreamLagging"
)
BATCHES = Told("Batches", "Committed a second.", "ops")
HELD = Told("In quarantine", "Not released by a replay, by reason.", alert="QuarantineShareHigh")
VERSION = Told("Champion", "The version that predicts.")
AGE = Told("Age of the champion", "Since it was trained.", "s", "ModelOld", (7 * 86400, 14 * 86400))
LOOKED = Told("Looked at", "Since monitor_models last looked.", "s", levels=(2 * 86400, 4 * 86400))
MAE = Told(
    "Error",
    "Mean absolute error of the three newest days with labels, in the target's "
    "unit; and above which it counts as drift.",
    alert="ModelErrorHigh",
)
BIAS = Told("Bias", "Mean of predicted less actual, in the target's unit.")
RATIO = Told(
    "Error against drift", "Above 1 it is drift.", "percentunit", "ModelErrorHigh", (0.8, 1)
)
HEAP = Told("Heap of the drivers", "Of Java, in use.", "bytes")
RUNS = Told(
    "Runs of bounded DAGs",
    "How long the last run of each took; pushed to Pushgateway, where there is one.",
    "s",
)
PHASES = Told(
    "Time of a batch, p95",
    "Spark reads, parses and checks; split takes apart; the warehouse stores.",
    "s",
    "StreamLagging",
)
LATE = Told("Late readings", "In committed batches, a second; they are stored all the same.", "cps")
