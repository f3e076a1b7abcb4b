from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import vigie
from vigie.settings import get_settings
from vigie.supervision.version import _NOT_IN_A_DRIVER

CODE = """
import sys
from vigie.contract.loader import load_feeds
from vigie.streaming import driver
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.hot_swap import open_hot_swap, open_scorer

for feed in load_feeds().values():
    scorer = open_scorer(feed, open_hot_swap(feed, Pulse()))
    assert (scorer is None) == (feed.scored_model is None), feed.name
    heavy = {"sklearn", "skops", "mlflow", "pandas"} & sys.modules.keys()
    assert not heavy, (feed.name, heavy)
"""


def test_a_driver_imports_no_model_before_it_looks_for_one() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=120)


# What a driver imports only once it has a model is imported here, too.
PARTS = """
import runpy, sys
runpy.run_path(sys.argv[1], run_name="imported")
from vigie.modelling import registry, versions

print(*{name.split(".")[1] for name in sys.modules if name.startswith("vigie.")})
"""


def test_a_stream_restarts_for_code_that_its_driver_imports_and_no_other() -> None:
    app = get_settings().spark_apps / "run_stream.py"
    command = [sys.executable, "-c", PARTS, str(app)]
    said = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True)
    imported = set(said.stdout.split())
    assert {"streaming", "modelling"} <= imported
    package = Path(vigie.__file__).parent
    others = {path.name for path in package.iterdir() if list(path.glob("*.py"))} | {
        path.name for path in package.glob("*.py")
    }
    others -= {"__init__.py", *imported, *(f"{name}.py" for name in imported)}
    assert others == _NOT_IN_A_DRIVER
