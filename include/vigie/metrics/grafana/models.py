"""The dashboard of the models."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from vigie.metrics.grafana import told
from vigie.metrics.grafana.begin import SINCE, begin
from vigie.metrics.grafana.panels import Query, number, series


def models() -> dashboard.Dashboard:
    """Which version predicts, and how well."""
    made = begin("vigie-models", "Vigie: models", "Champions: version, age, error, drift.")
    return (
        made.with_panel(number(told.VERSION, Query("vigie_model_version", "{{model}}"), wide=8))
        .with_panel(
            number(
                told.AGE,
                Query(f"{SINCE}vigie_model_trained_timestamp_seconds", "{{model}}"),
                wide=8,
            )
        )
        .with_panel(
            number(
                told.LOOKED,
                Query(f"{SINCE}vigie_model_checked_timestamp_seconds", "{{model}}"),
                wide=8,
            )
        )
        .with_panel(
            series(
                told.MAE,
                Query("vigie_model_rolling_mae", "{{model}}"),
                Query("vigie_model_drift_threshold", "{{model}}: drift above"),
                colours={},
            )
        )
        .with_panel(series(told.BIAS, Query("vigie_model_rolling_bias", "{{model}}"), colours={}))
        .with_panel(
            series(
                told.RATIO,
                Query("vigie_model_rolling_mae / vigie_model_drift_threshold", "{{model}}"),
                colours={},
            )
        )
    )
