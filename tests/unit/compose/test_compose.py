"""`docker-compose.yaml` as far as it can be judged without an engine.

`compose-spec.json` is the schema of the Compose Specification (Apache License 2.0), as
compose-go 2.9.1 has it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.services import environment
from vigie.settings import HOME, Settings, get_settings

pytestmark = pytest.mark.unit

FILE = HOME / "docker-compose.yaml"
SETTINGS = {f"VIGIE_{name.upper()}" for name in Settings.model_fields}
SERVICES = (
    *("sqlserver", "kafka", "spark-master", "spark-worker", "mlflow", "ingest-api", "pages"),
    *("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"),
)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(FILE)


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return compose["services"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    make_secrets(folder)
    return folder


def make_secrets(folder: Path) -> None:
    script = HOME / "docker" / "make_secrets.sh"
    subprocess.run([script, folder], check=True, capture_output=True)


def test_the_file_is_one_of_the_specification(compose: dict[str, Any]) -> None:
    schema = json.loads((Path(__file__).with_name("compose-spec.json")).read_text())
    jsonschema.Draft7Validator(schema).validate(compose)
    misspelt = {**compose, "services": {"a": {"imagge": "x"}}}
    assert not jsonschema.Draft7Validator(schema).is_valid(misspelt)


def test_docker_compose_itself_takes_it() -> None:
    program = HOME / ".cache" / "docker-compose"
    if not program.is_file():
        pytest.skip("docker-compose is not built here: `make compose-config` does")
    command = [program, "-f", FILE, "config", "--quiet"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_core_is_there(services: dict[str, Any]) -> None:
    assert set(SERVICES) <= set(services)


def test_every_setting_it_uses_exists(compose: dict[str, Any], services: dict[str, Any]) -> None:
    used = {name for one in services.values() for name in one.get("environment", {})}
    used |= {name.upper() for name in compose["secrets"]}
    used |= set(re.findall(r"\bVIGIE_[A-Z_]+", (HOME / "Dockerfile").read_text()))
    logins = {"VIGIE_OWNER", "VIGIE_STREAM", "VIGIE_READER"}
    assert {name for name in used if name.startswith("VIGIE_")} - logins <= SETTINGS


def test_ports_are_bound_to_loopback_and_differ(services: dict[str, Any]) -> None:
    ports = [port for one in services.values() for port in one.get("ports", [])]
    assert ports
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    assert len({port.split(":")[1] for port in ports}) == len(ports)


def test_images_have_exact_tags(services: dict[str, Any]) -> None:
    images = {one["image"] for one in services.values()}
    images |= set(re.findall(r"^FROM (\S+)", (HOME / "Dockerfile").read_text(), re.MULTILINE))
    for image in images:
        assert re.search(r":[\w.-]*\d+[\w.-]*$", image), image
        assert "latest" not in image


def test_what_others_wait_for_can_come_true(services: dict[str, Any]) -> None:
    for name, one in services.items():
        ends = one.get("restart", "no") == "no"
        assert ends or "healthcheck" in one, f"{name} says nothing of its health"
        for other, wanted in one.get("depends_on", {}).items():
            needed = services[other]
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in needed, other
            else:
                assert wanted["condition"] == "service_completed_successfully"
                assert needed.get("restart", "no") == "no", f"{other} would start over and over"


def test_nothing_waits_for_itself(services: dict[str, Any]) -> None:
    done: set[str] = set()
    while len(done) < len(services):
        ready = {n for n, one in services.items() if set(one.get("depends_on", {})) <= done} - done
        assert ready, set(services) - done
        done |= ready


def test_the_tables_are_there_before_anybody_uses_them(services: dict[str, Any]) -> None:
    def before(name: str) -> set[str]:
        direct = set(services[name].get("depends_on", {}))
        return direct | {far for near in direct for far in before(near)}

    assert {"sqlserver", "warehouse-logins"} <= before("warehouse-migrate")
    for name in ("spark-worker", "ingest-api", "airflow-scheduler", "airflow-api-server"):
        assert {"warehouse-migrate", "warehouse-roles", "kafka"} <= before(name)


def test_no_password_stands_in_the_file(services: dict[str, Any]) -> None:
    for service, one in services.items():
        for name in one.get("environment", {}):
            if re.search(r"PASSWORD|SECRET|_KEY|SQL_ALCHEMY_CONN", name):
                assert name.endswith(("_FILE", "_CMD")), f"{service}: {name}"
    assert not re.search(r"://[^/\s]*:[^/\s]*@", FILE.read_text())


def used_secrets(services: dict[str, Any]) -> Iterator[str]:
    for one in services.values():
        yield from one.get("secrets", [])
    yield from re.findall(r"/run/secrets/(\w+)", FILE.read_text())


def test_every_secret_is_made_and_given_to_who_reads_it(
    compose: dict[str, Any], services: dict[str, Any], made: Path
) -> None:
    assert set(used_secrets(services)) == set(compose["secrets"])
    for name, secret in compose["secrets"].items():
        assert secret["file"] == f".secrets/{name}"
        assert (made / name).stat().st_size > 15
    for one in services.values():
        text = json.dumps([one.get("command"), one.get("healthcheck"), one.get("environment")])
        assert set(re.findall(r"/run/secrets/(\w+)", text)) <= {*one.get("secrets", [])} | {
            # Airflow's other components know where the file would be, and do not read it.
            "airflow_passwords"
        }


def test_metrics_are_a_profile_of_their_own_that_may_do_little(services: dict[str, Any]) -> None:
    watching = {name for name, one in services.items() if one.get("profiles") == ["metrics"]}
    assert watching == {"exporter", "prometheus", "alertmanager", "pushgateway", "grafana"}
    for name in watching:
        one = services[name]
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["mem_limit"]
        assert one.get("user", "").split(":")[0] not in ("0", "root")
    others = [one for name, one in services.items() if name not in watching]
    assert all(watching.isdisjoint(one.get("depends_on", {})) for one in others)


def test_prometheus_asks_services_that_are_there(services: dict[str, Any]) -> None:
    told = YAML(typ="safe", pure=True).load(HOME / "docker/prometheus.yaml")
    targets = [
        t for job in told["scrape_configs"] for s in job["static_configs"] for t in s["targets"]
    ]
    targets += told["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    for target in targets:
        name, port = target.split(":")
        assert any(published.endswith(f":{port}") for published in services[name]["ports"]), target


def test_secrets_are_random_kept_and_for_nobody_else(made: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_text() for path in made.iterdir()}
    make_secrets(made)
    assert {path.name: path.read_text() for path in made.iterdir()} == before
    assert made.stat().st_mode & 0o777 == 0o700
    make_secrets(tmp_path / "other")
    for name, secret in before.items():
        assert (tmp_path / "other" / name).read_text() != secret, name


def test_settings_are_read_from_the_files_of_the_secrets(made: Path, tmp_path: Path) -> None:
    with environment(VIGIE_SECRETS=str(made), VIGIE_STATE=str(tmp_path)):
        settings = get_settings()
    assert settings.warehouse.startswith("mssql+pymssql://vigie_stream:")
    assert settings.warehouse_owner.startswith("mssql+pymssql://vigie_owner:")
    assert settings.airflow_database.startswith("postgresql+psycopg2://airflow:")


def test_what_is_mounted_or_copied_exists(services: dict[str, Any]) -> None:
    for one in services.values():
        for volume in one.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (HOME / source).exists(), volume
    kept = (HOME / ".dockerignore").read_text().split()
    for line in re.findall(r"^COPY --chown=vigie (.*)$", (HOME / "Dockerfile").read_text(), re.M):
        for source in line.split()[:-1]:
            assert (HOME / source).exists(), source
            assert f"!{source.removeprefix('./')}" in kept, source


def test_our_own_containers_may_do_little(services: dict[str, Any]) -> None:
    ours = [one for one in services.values() if one["image"].startswith("vigie:")]
    assert len(ours) > 5
    for one in ours:
        assert one["cap_drop"] == ["ALL"]
        assert one["read_only"] is True
        assert one["security_opt"] == ["no-new-privileges:true"]
    assert "USER vigie" in (HOME / "Dockerfile").read_text()
