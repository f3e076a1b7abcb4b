"""The page of `forecast_<model>`, and its decision whether there is anything to forecast from."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk.exceptions import AirflowSkipException

from vigie.orchestration.triage import triage

FORECAST_PAGE = triage(
    does="Forecasts the day that begins as the run's interval ends (a run with the logical date of "
    "Monday forecasts Tuesday), by half hours, for each sensor of the feed with the champion of "
    "the registry: one Spark job. `report.<model>_forecast` has the forecast beside what was "
    "measured a day and a week before and, once known, the actual value. A half hour of which last "
    "week's value is not known is left out, with the reason in the row. **A half hour keeps its "
    "first forecast** however often the day is run. Skipped: there is no champion, or no reading "
    "in the four weeks before the day.",
    red="The day has no forecast: the registry or the warehouse was away, or the champion cannot "
    "be loaded. Readings are not affected.",
    todo="Read the error in the log of `forecast`; see `vigie status` and `vigie model list`. "
    "Clear the task once it is mended. Past days: `airflow backfill create --dag-id forecast_MODEL "
    "--from-date … --to-date …`, with the champion of now.",
)


def skip_unless_possible(name: str, day: datetime) -> None:
    """End a run that has nothing to forecast from.

    Raises:
        AirflowSkipException: There is no champion, or no reading that a forecast may look at.
        RegistryAway: MLflow does not answer.
    """
    from sqlalchemy import select

    from vigie.modelling.learned import ForecastModel, find_model
    from vigie.modelling.registry import find_champion
    from vigie.warehouse.engines import get_engine
    from vigie.warehouse.feed_tables import feed_tables

    model, feed, _ = find_model(name)
    if not isinstance(model, ForecastModel):
        raise AirflowSkipException(f"model {name} forecasts no days")
    t = feed_tables(feed).reading.c
    some = select(t.event_time).where(t.event_time > day - model.past, t.event_time <= day)
    with get_engine().connect() as connection:
        if connection.execute(some.limit(1)).first() is None:
            days = f"{model.past.days} days before {day:%Y-%m-%d}"
            raise AirflowSkipException(
                f"model {name}: feed {feed.name} has no reading in the {days}"
            )
    if find_champion(name) is None:
        raise AirflowSkipException(f"model {name}: there is no champion yet")
