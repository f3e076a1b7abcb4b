from __future__ import annotations

import subprocess
import sys

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
