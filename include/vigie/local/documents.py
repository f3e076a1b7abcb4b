"""The document server of the local stack: it speaks MongoDB's protocol and is not MongoDB itself.

Run where a contract has the sink `documents`. Real MongoDB takes its place by `VIGIE_DOCUMENTS`.
"""

from __future__ import annotations

import sys

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from vigie.contract.loader import load_feeds
from vigie.local.programs import Program
from vigie.local.stack import Stack

NAME = "documents"


def programs(stack: Stack) -> list[Program]:
    """The server, if any feed keeps documents."""
    if not any("documents" in feed.sinks for feed in load_feeds().values()):
        return []
    return [program(stack)]


def program(stack: Stack) -> Program:
    """The server; its Python process alone is asked to end, and closes the file first."""
    file = stack.state / "documents" / "documents.mv"
    module = "vigie.local.document_server"
    command = (sys.executable, "-m", module, str(stack.ports["documents"]), str(file))
    return Program(NAME, command, stop_alone=True)


def is_up(stack: Stack) -> bool:
    """Whether the server answers."""
    address = f"mongodb://{stack.address('documents')}"
    try:
        with MongoClient[dict[str, object]](address, serverSelectionTimeoutMS=1000) as client:
            client.admin.command("ping")
    except PyMongoError:
        return False
    return True
