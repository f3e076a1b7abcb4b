"""How a Spark application logs: one line a message, the bridge to Java only when it complains."""

from __future__ import annotations

import logging
from collections.abc import Sequence


def set_up_log(handlers: Sequence[logging.Handler] | None = None) -> None:
    """Log from INFO on, to standard error if no handler is given."""
    line = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=line, handlers=handlers)
    logging.getLogger("py4j").setLevel(logging.WARNING)
