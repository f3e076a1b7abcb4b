"""The asset that says: past rows of the facts changed, so that what was read of them is stale."""

from __future__ import annotations

from airflow.sdk import Asset

FACTS_CHANGED = Asset(name="facts_changed", uri="vigie://facts/changed")
"""Updated by whatever restates or compacts (`outlets=[FACTS_CHANGED]`); which days were restated
stands in `ops.restatement`."""
