from __future__ import annotations

import os
import tempfile

# Airflow reads these when it is imported, before any fixture runs.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
