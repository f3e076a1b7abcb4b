from __future__ import annotations

import subprocess
import sys

import pytest

from vigie.contract.loader import load_feeds

CODE = """
import sys
from vigie.contract.loader import get_feed
from vigie.streaming import driver
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.hot_swap import open_hot_swap, open_scorer

feed = get_feed(sys.argv[1])
scorer = open_scorer(feed, open_hot_swap(feed, Pulse()))
assert (scorer is None) == (feed.scored_model is None)
heavy = {"sklearn", "skops", "mlflow", "pandas"} & sys.modules.keys()
assert not heavy, heavy
"""


@pytest.mark.parametrize("feed", load_feeds())
def test_a_driver_imports_no_model_before_it_looks_for_one(feed: str) -> None:
    subprocess.run([sys.executable, "-c", CODE, feed], check=True, timeout=120)
