from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from vigie.contract.loader import load_feeds
from vigie.settings import get_settings
from vigie.supervision.driver import submission_request
from vigie.supervision.version import code_version

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("feed", load_feeds())
def test_the_driver_gets_its_feed_and_launch_and_is_not_supervised_by_spark(feed: str) -> None:
    request = submission_request(feed, 7)
    app = str(get_settings().spark_apps / "run_stream.py")
    assert request["appArgs"][-5:] == [app, "--log", "driver.log", feed, "7"]
    assert request["appArgs"][:2] == ["--master", get_settings().spark_driver_master]
    assert request["sparkProperties"]["spark.driver.supervise"] == "false"
    assert request["sparkProperties"]["spark.driver.memory"] == get_settings().driver_memory


def test_each_feed_has_its_own_ui_port() -> None:
    ports = {
        option
        for feed in load_feeds()
        for option in submission_request(feed, 1)["appArgs"]
        if option.startswith("spark.ui.port=")
    }
    assert len(ports) == len(load_feeds())


def test_the_driver_runs_our_interpreter_with_our_settings(monkeypatch) -> None:
    monkeypatch.setenv("VIGIE_KAFKA", "broker:9092")
    monkeypatch.setenv("SECRET_OF_ANOTHER", "x")
    environment = submission_request(next(iter(load_feeds())), 1)["environmentVariables"]
    assert environment["PYSPARK_PYTHON"] == environment["PYSPARK_DRIVER_PYTHON"] == sys.executable
    assert environment["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert environment["VIGIE_KAFKA"] == "broker:9092"
    assert "SECRET_OF_ANOTHER" not in environment


def test_a_login_to_kafka_goes_along_whole_or_not_at_all(monkeypatch) -> None:
    monkeypatch.setenv("VIGIE_KAFKA_USER", "airflow")
    feed = next(iter(load_feeds()))
    assert "VIGIE_KAFKA_USER" not in submission_request(feed, 1)["environmentVariables"]
    monkeypatch.setenv("VIGIE_KAFKA_PASSWORD", "secret")
    request = submission_request(feed, 1)
    assert request["environmentVariables"]["VIGIE_KAFKA_USER"] == "airflow"
    assert "secret" not in str(request["appArgs"]) + str(request["sparkProperties"])


def test_java_options_can_be_set() -> None:
    request = submission_request(next(iter(load_feeds())), 1, java_options="-Xss1m")
    assert request["sparkProperties"]["spark.driver.extraJavaOptions"] == "-Xss1m"


def test_what_a_driver_writes_rotates_in_its_own_folder() -> None:
    request = submission_request(next(iter(load_feeds())), 1)
    options = request["sparkProperties"]["spark.driver.defaultJavaOptions"]
    (file,) = re.findall(r"log4j2.configurationFile=file:([^\"]+)", options)
    assert "SizeBasedTriggeringPolicy" in Path(file).read_text()
    assert request["environmentVariables"]["SPARK_LOCAL_DIRS"] == "."


def test_the_code_version_follows_the_apps(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("VIGIE_SPARK_APPS", str(tmp_path))
    get_settings.cache_clear()
    try:
        versions = {code_version()}
        (tmp_path / "run_stream.py").write_text("print(1)")
        versions.add(code_version())
        assert code_version() in versions
        (tmp_path / "run_stream.py").write_text("print(2)")
        versions.add(code_version())
    finally:
        get_settings.cache_clear()
    assert len(versions) == 3
