"""A broker that asks for logins and grants rights, as in `docker-compose.yaml`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner

from benchmarks.sides import alive, running_stream
from tests.broker.secured import Secured, secured_broker
from tests.local_stack import wait_for
from tests.readings import encoded
from tests.services import environment
from vigie.broker import users
from vigie.broker.drain import drain
from vigie.broker.offsets import read_topic, read_topics
from vigie.broker.producer import Sender, make_producer
from vigie.broker.topics import ALERTS, ensure_topics, refuse_compacted
from vigie.broker.users import USERS
from vigie.cli import app
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feed, load_feeds
from vigie.contract.new_feed import new_contract
from vigie.errors import BrokerAway, BrokerError, LoginRefused, RightMissing, SettingsError
from vigie.local.ports import LOOPBACK, choose_ports
from vigie.metrics.kafka import Kafka
from vigie.powerbi_emulator.certificate import ensure_certificate
from vigie.supervision.driver import JAVA_OPTIONS, ui_port
from vigie.warehouse import core

pytestmark = pytest.mark.broker

FEED = next(iter(load_feeds().values()))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """The broker, with users, rights and topics as compose's one-shot service makes them."""
    with secured_broker(tmp_path_factory.mktemp("secured") / "kafka") as broker:
        with environment(**broker.login("admin")):
            for command in (("users", str(broker.passwords)), ("topics",)) * 2:
                done = CliRunner().invoke(app, ["kafka", *command])
                assert done.exit_code == 0, done.output
        yield broker


def send(feed: Feed, count: int) -> int:
    with Sender(make_producer(message_timeout_ms=20_000)) as sender:
        for number in range(count):
            sender.send(feed.topic, b"s-1", encoded(feed, **{feed.sensor: f"s-{number}"}))
    return sender.acknowledged


def messages(feed: Feed) -> int:
    return sum(end - begin for begin, end in read_topic(feed.topic).partitions.values())


@pytest.mark.parametrize("user", ["ingest", "simulator", "airflow"])
def test_who_may_send_sends_and_may_do_no_more(secured: Secured, user: str, tmp_path: Path) -> None:
    sixth = tmp_path / "sixth.yaml"
    sixth.write_text(new_contract("sixth"))
    with environment(**secured.login(user)):
        before = messages(FEED)
        assert send(FEED, 20) == 20
        assert messages(FEED) == before + 20
        with pytest.raises(RightMissing, match=rf"'{user}'.*vigie kafka topics"):
            ensure_topics([load_feed(sixth)])


@pytest.mark.parametrize("user", ["simulator", "airflow"])
def test_commands_that_send_need_no_administrator(secured: Secured, user: str) -> None:
    with environment(**secured.login(user)):
        before = messages(FEED)
        done = CliRunner().invoke(app, ["simulate", FEED.name, "--count", "7"])
        assert done.exit_code == 0, done.output
        assert messages(FEED) == before + 7


@pytest.mark.parametrize("user", ["stream", "exporter"])
def test_who_may_not_send_is_told_so(secured: Secured, user: str) -> None:
    with environment(**secured.login(user)):
        before = messages(FEED)
        with pytest.raises(BrokerError, match=rf"'{user}'.*AUTHORIZATION_FAILED"):
            send(FEED, 1)
        assert messages(FEED) == before


def test_who_may_not_read_is_told_so(secured: Secured) -> None:
    with (
        environment(**secured.login("ingest")),
        pytest.raises(RightMissing, match=rf"{secured.address}.*'ingest'.*AUTHORIZATION_FAILED"),
    ):
        drain(FEED.topic, "vigie-lake", lambda _: None, timeout=4)


def test_a_wrong_password_is_named_by_every_client(secured: Secured) -> None:
    with environment(**secured.login("ingest", "wrong-password")):
        for ask in (lambda: read_topic(FEED.topic, timeout=4), lambda: send(FEED, 1)):
            with pytest.raises(LoginRefused) as caught:
                ask()
            text = str(caught.value)
            assert all(word in text for word in (secured.address, "'ingest'", "KAFKA_PASSWORD"))
            assert "wrong-password" not in text


def test_a_user_that_does_not_exist_is_refused(secured: Secured) -> None:
    with (
        environment(**secured.login("nobody", "some-password")),
        pytest.raises(LoginRefused, match="'nobody'"),
    ):
        read_topics([FEED.topic], timeout=4)


def test_nobody_gets_in_without_a_login(secured: Secured) -> None:
    outsider = AdminClient({"bootstrap.servers": secured.address, "log_level": 0})
    with pytest.raises(KafkaException):
        outsider.list_topics(timeout=4)
    with (
        environment(VIGIE_KAFKA=secured.address),
        pytest.raises(BrokerAway, match=r"without a login.*VIGIE_KAFKA_PROTOCOL"),
    ):
        read_topic(FEED.topic, timeout=4)


def test_a_certificate_is_checked(secured: Secured, tmp_path: Path) -> None:
    with environment(**secured.login_with_tls("ingest")):
        assert send(FEED, 3) == 3
        assert messages(FEED) >= 3
    stranger, _ = ensure_certificate(tmp_path)
    with (
        environment(**secured.login_with_tls("ingest") | {"VIGIE_KAFKA_CA": str(stranger)}),
        pytest.raises(LoginRefused, match=r"SASL_SSL.*certificate verify failed"),
    ):
        read_topic(FEED.topic, timeout=4)


def test_a_login_without_a_password_is_no_login(secured: Secured) -> None:
    with (
        environment(**secured.login("ingest") | {"VIGIE_KAFKA_PASSWORD": ""}),
        pytest.raises(SettingsError, match="VIGIE_KAFKA_PASSWORD is empty"),
    ):
        read_topic(FEED.topic)


def test_the_password_comes_from_a_file(secured: Secured, tmp_path: Path) -> None:
    (tmp_path / "vigie_kafka_password").write_text(f"{secured.password('exporter')}\n")
    login = secured.login("exporter") | {"VIGIE_SECRETS": str(tmp_path)}
    del login["VIGIE_KAFKA_PASSWORD"]
    with environment(**login):
        assert read_topic(FEED.topic).partitions


def test_airflows_watcher_logs_in_with_its_connection(secured: Secured) -> None:
    told = json.loads((secured.passwords / "airflow_connections").read_text())["kafka_alerts"]
    with environment(**secured.login("stream")), Sender(make_producer()) as sender:
        sender.send(ALERTS, b"s-1", b"raised")
    watcher = Consumer(told["extra_dejson"] | {"bootstrap.servers": secured.address})
    watcher.subscribe([ALERTS])
    (message,) = watcher.consume(1, timeout=60)
    watcher.close()
    assert (message.error(), message.value()) == (None, b"raised")


def test_a_folder_without_passwords_is_named(secured: Secured, tmp_path: Path) -> None:
    with (
        environment(**secured.login("admin")),
        pytest.raises(SettingsError, match=rf"{tmp_path}.*kafka_ingest"),
    ):
        users.set_users(tmp_path)


def test_rights_that_nobody_asked_for_are_taken_away(secured: Secured) -> None:
    with environment(**secured.login("admin")):
        with pytest.MonkeyPatch.context() as patch:
            more = {**USERS, "exporter": USERS["stream"]}
            patch.setattr(users, "USERS", more)
            users.set_users(None)
        assert _may_look_at_settings(secured)
        users.set_users(secured.passwords)
        assert not _may_look_at_settings(secured)


def _may_look_at_settings(secured: Secured) -> bool:
    with environment(**secured.login("exporter")):
        try:
            refuse_compacted(FEED.topic)
        except RightMissing:
            return False
    return True


@pytest.mark.spark
@pytest.mark.warehouse
@pytest.mark.timeout(400)
def test_a_stream_reads_as_its_user_and_nothing_shows_the_password(
    secured: Secured, warehouse: Engine, tmp_path: Path
) -> None:
    feed, log = list(load_feeds().values())[1], tmp_path / "stream.log"
    port = choose_ports({}, only_free=True)["spark_drivers"]
    with environment(**secured.login("ingest")):
        send(feed, 50)
    with (
        environment(**secured.login_with_tls("stream"), VIGIE_SPARK_UI_PORT=str(port)),
        running_stream(log, feed, java_options=JAVA_OPTIONS) as driver,
    ):
        check = alive(driver, log)
        wait_for(lambda: check() or stored(warehouse) == 50, "fifty readings")
        pages = [
            httpx.get(f"http://{LOOPBACK}:{ui_port(feed.name)}/{page}/", timeout=30).text
            for page in ("environment", "SQL", "StreamingQuery", "jobs")
        ]
        lines = [*driver.cmdline()]
        for child in driver.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                lines += child.cmdline()
    with environment(**secured.login("exporter")):
        lag = [s for s in Kafka(warehouse).read() if s.name == "vigie_kafka_lag_messages"]
    assert {s.value for s in lag if s.labels[0] == feed.name} == {0}

    password = secured.password("stream")
    told = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert log in told
    assert [path for path in told if password in path.read_text(errors="replace")] == []
    assert not any(password in word for word in lines)
    assert not any(password in page for page in pages)


def stored(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.sum(core.ledger.c.stored))) or 0
