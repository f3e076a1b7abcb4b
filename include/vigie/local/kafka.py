"""The single-node broker (KRaft): its files and its command."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from vigie.errors import StackError
from vigie.local.java import find_java
from vigie.local.programs import Program
from vigie.local.stack import Stack
from vigie.settings import get_settings

_LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd HH:mm:ss.SSS} %p %c{1}: %m%n
logger.server.name = kafka.server
logger.server.level = INFO
logger.config.name = kafka.server.KafkaConfig
logger.config.level = WARN
"""
# The topic's own limit (the contract's kafka.max_message) rules; this one only must not be lower.
_MESSAGE_LIMIT = 17 * 1024 * 1024


def program(stack: Stack) -> Program:
    """The broker with a heap of 512 MB; it has time to end its log segments cleanly."""
    heap = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")
    logging = f"-Dlog4j2.configurationFile={_folder(stack) / 'log4j2.properties'}"
    command = _java(*heap, logging, "kafka.Kafka", str(_folder(stack) / "kafka.properties"))
    return Program("kafka", command, stop_seconds=30)


def initialise(stack: Stack) -> None:
    """Write the broker's files and, the first time, format its log folder.

    Raises:
        StackError: Formatting failed.
    """
    folder = _folder(stack)
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "kafka.properties"
    properties.write_text(render_properties(stack))
    (folder / "log4j2.properties").write_text(_LOGGING)
    if (folder / "data" / "meta.properties").is_file():
        return
    command = _java("kafka.tools.StorageTool", "format", "-t", _cluster(), "-c", str(properties))
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        told = (result.stdout + result.stderr).strip()
        message = f"Kafka: formatting {folder / 'data'} failed:\n{told}"
        raise StackError(message)


def _cluster() -> str:
    """A new cluster's id; the tool would read one that begins with a dash as an option."""
    while True:
        found = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not found.startswith("-"):
            return found


def render_properties(stack: Stack) -> str:
    """The broker's properties file."""
    listener = f"PLAINTEXT://{stack.address('kafka')}"
    controller = stack.address("kafka_controller")
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"{listener},CONTROLLER://{controller}",
        "advertised.listeners": listener,
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(_folder(stack) / "data"),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
        "auto.create.topics.enable": "false",
        "log.message.timestamp.type": "LogAppendTime",
        "message.max.bytes": str(_MESSAGE_LIMIT),
        "num.io.threads": "2",
        "num.network.threads": "2",
    }
    return "".join(f"{name}={value}\n" for name, value in properties.items())


def _folder(stack: Stack) -> Path:
    return stack.state / "kafka"


def _java(*arguments: str) -> tuple[str, ...]:
    jars = get_settings().jars.absolute() / "kafka"
    return (str(find_java()), "-cp", f"{jars}/*", *arguments)
