"""The command tree; each module registers its commands here."""

from __future__ import annotations

import typer

from vigie.cli import (
    alerts,
    backtest,
    backup,
    compact,
    docs,
    documents,
    feed,
    kafka,
    key,
    lake,
    metrics,
    model,
    model_error,
    powerbi,
    quarantine,
    reconcile,
    replay,
    restate,
    simulate,
    sql,
    stack,
    status,
    stream,
    validate,
    warehouse,
)

app = typer.Typer(
    name="vigie",
    help="Runs and inspects the Vigie sensor data platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("backtest")(backtest.backtest)
app.command("backup")(backup.backup)
app.command("compact")(compact.compact)
model.app.command("error")(model_error.error)
app.command("reconcile")(reconcile.reconcile)
app.command("replay")(replay.replay)
app.command("restate")(restate.restate)
app.command("restore")(backup.restore)
app.command("simulate")(simulate.simulate)
app.command("sql")(sql.sql)
app.command("up")(stack.up)
app.command("down")(stack.down)
app.command("env")(stack.env)
app.command("status")(status.status)
app.command("validate")(validate.validate)
app.add_typer(alerts.app, name="alerts")
app.add_typer(compact.app, name="compaction")
app.add_typer(docs.app, name="docs")
app.add_typer(documents.app, name="documents")
app.add_typer(feed.app, name="feed")
app.add_typer(kafka.app, name="kafka")
app.add_typer(key.app, name="key")
app.add_typer(lake.app, name="lake")
app.add_typer(metrics.app, name="metrics")
app.add_typer(model.app, name="model")
app.add_typer(powerbi.app, name="powerbi")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(restate.app, name="restatement")
app.add_typer(stream.app, name="stream")
app.add_typer(warehouse.app, name="warehouse")


@app.callback()
def main() -> None:
    """Run and inspect the Vigie sensor data platform."""
