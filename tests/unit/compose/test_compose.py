"""`docker-compose.yaml` as far as it can be judged without an engine.

`compose-spec.json` is the schema of the Compose Specification (Apache License 2.0), as
compose-go 2.9.1 has it.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from dotenv import dotenv_values
from ruamel.yaml import YAML

from tests.services import environment
from vigie.broker.users import USERS
from vigie.contract.loader import load_feeds
from vigie.settings import HOME, Settings, get_settings

pytestmark = pytest.mark.unit

FILE = HOME / "docker-compose.yaml"
EVERYTHING = HOME / "docker" / "everything.env"
SETTINGS = {f"VIGIE_{name.upper()}" for name in Settings.model_fields}
CORE = {
    *("sqlserver", "kafka", "spark-master", "spark-worker-1", "spark-worker-2", "mlflow"),
    *("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"),
    *("ingest-api", "pages", "metadata"),
}
PROFILES = {
    "lake": {"namenode", "datanode"},
    "documents": {"mongodb"},
    "simulator": {"simulator"},
    "metrics": {
        *("exporter", "prometheus", "alertmanager", "pushgateway", "statsd-exporter", "grafana"),
    },
}
ONCE = {
    *("warehouse-logins", "warehouse-migrate", "warehouse-roles", "kafka-setup"),
    *("airflow-migrate", "airflow-admin"),
}


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


@pytest.mark.parametrize("variables", [[], ["--env-file", EVERYTHING]])
def test_docker_compose_itself_takes_it(variables: list[str | Path]) -> None:
    program = HOME / ".cache" / "docker-compose"
    if not program.is_file():
        pytest.skip("docker-compose is not built here: `make compose-config` does")
    command = [program, *variables, "-f", FILE, "config", "--format", "json"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    optional = set().union(*PROFILES.values()) if variables else set()
    assert set(json.loads(told.stdout)["services"]) == CORE | ONCE | optional


def test_each_part_is_in_the_core_or_in_its_profile(services: dict[str, Any]) -> None:
    found: dict[str, set[str]] = {}
    for name, one in services.items():
        found.setdefault(*one.get("profiles", ["core"]), set()).add(name)
    assert found == {"core": CORE | ONCE, **PROFILES}
    for name in CORE | ONCE:
        assert set(services[name].get("depends_on", {})) <= CORE | ONCE, name


def test_the_file_of_variables_has_all_profiles_and_what_they_need() -> None:
    given = dotenv_values(EVERYTHING)
    assert set(str(given.pop("COMPOSE_PROFILES")).split(",")) == set(PROFILES)
    optional = set(re.findall(r"\$\{(\w+):-", FILE.read_text()))
    assert set(given) == optional


def test_every_setting_it_uses_exists(compose: dict[str, Any], services: dict[str, Any]) -> None:
    used = {name for one in services.values() for name in one.get("environment", {})}
    used |= {name.upper() for name in compose["secrets"]}
    used |= set(re.findall(r"\bVIGIE_[A-Z_]+", (HOME / "Dockerfile").read_text()))
    logins = {"VIGIE_OWNER", "VIGIE_STREAM", "VIGIE_READER"}
    used |= {name for name in dotenv_values(EVERYTHING) if name.startswith("VIGIE_")}
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
    for name in ("spark-worker-1", "ingest-api", "airflow-scheduler", "airflow-api-server"):
        assert {"warehouse-migrate", "warehouse-roles", "kafka", "kafka-setup"} <= before(name)


def test_no_password_stands_in_the_file(services: dict[str, Any]) -> None:
    for service, one in services.items():
        for name in one.get("environment", {}):
            if re.search(r"PASSWORD|SECRET(?!S__BACKEND)|_KEY|SQL_ALCHEMY_CONN", name):
                assert name.endswith(("_FILE", "_CMD")), f"{service}: {name}"
    assert not re.search(r"://[^/\s]*:[^/\s]*@", FILE.read_text())


def given(one: dict[str, Any]) -> dict[str, str]:
    """The secrets of a service: the file each is in its container → its name."""
    told = one.get("secrets", [])
    return dict((s, s) if isinstance(s, str) else (s["target"], s["source"]) for s in told)


def test_every_secret_is_made_and_given_to_who_reads_it(
    compose: dict[str, Any], services: dict[str, Any], made: Path
) -> None:
    used = {name for one in services.values() for name in given(one).values()}
    assert used == set(compose["secrets"])
    for name, secret in compose["secrets"].items():
        file = secret["file"].replace("${DOCUMENTS_SECRET:-no_documents}", "vigie_documents")
        assert file == f".secrets/{name}"
        assert (made / name).stat().st_size > 15 or name == "kafka_certificate"
    assert (made / "no_documents").read_text() == ""
    for name, one in services.items():
        text = json.dumps([one.get("command"), one.get("healthcheck"), one.get("environment")])
        assert set(re.findall(r"/run/secrets/([\w.]+)", text)) <= {*given(one)}, name


def test_each_part_logs_in_to_kafka_as_its_own_user(services: dict[str, Any]) -> None:
    found: dict[str, set[str]] = {}
    for name, one in services.items():
        user = (one.get("environment") or {}).get("VIGIE_KAFKA_USER")
        if password := given(one).get("vigie_kafka_password"):
            assert password == f"kafka_{user}", name
            found.setdefault(user, set()).add(name)
        else:
            assert user is None or name == "airflow-admin", name
    assert set(found) == {*USERS, "admin"}
    assert found["admin"] == {"kafka-setup"}
    assert found["stream"] == {"spark-worker-1", "spark-worker-2"}
    assert {f"kafka_{user}" for user in USERS} <= {*given(services["kafka-setup"])}


def test_a_driver_may_run_on_either_worker(services: dict[str, Any]) -> None:
    first, second = (
        {k: v for k, v in services[f"spark-worker-{n}"].items() if k not in ("hostname", "ports")}
        for n in (1, 2)
    )
    assert first == second


def test_every_part_may_do_little_and_has_limits(services: dict[str, Any]) -> None:
    for name, one in services.items():
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["mem_limit"], name
        assert one["cpus"], name
        # SQL Server alone writes beside its volume, and is left one capability.
        assert one.get("read_only", False) is (name != "sqlserver"), name
        assert ("cap_add" in one) is (name == "sqlserver"), name
        assert one.get("user", "").split(":")[0] not in ("0", "root"), name
        assert one["logging"] == {"driver": "local"}, name


def test_prometheus_asks_services_that_are_there(services: dict[str, Any]) -> None:
    told = YAML(typ="safe", pure=True).load(HOME / "docker/prometheus.yaml")
    targets = [
        t for job in told["scrape_configs"] for s in job["static_configs"] for t in s["targets"]
    ]
    targets += told["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    drivers = {f"spark-worker-{n}:{9200 + i}" for n in (1, 2) for i in range(len(load_feeds()))}
    assert {target for target in targets if ":92" in target} == drivers
    for target in set(targets) - drivers:
        name, port = target.split(":")
        assert any(published.endswith(f":{port}") for published in services[name]["ports"]), target


def test_secrets_are_random_kept_and_for_nobody_else(made: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_text() for path in made.iterdir()}
    make_secrets(made)
    assert {path.name: path.read_text() for path in made.iterdir()} == before
    assert made.stat().st_mode & 0o777 == 0o700
    make_secrets(tmp_path / "other")
    for name in before.keys() - {"no_documents", "kafka_certificate"}:
        assert (tmp_path / "other" / name).read_text() != before[name], name


def test_settings_are_read_from_the_files_of_the_secrets(made: Path, tmp_path: Path) -> None:
    with environment(VIGIE_SECRETS=str(made), VIGIE_STATE=str(tmp_path)):
        settings = get_settings()
    assert settings.warehouse.startswith("mssql+pymssql://vigie_stream:")
    assert settings.warehouse_owner.startswith("mssql+pymssql://vigie_owner:")
    assert settings.airflow_database.startswith("postgresql+psycopg2://airflow:")
    assert settings.documents.startswith("mongodb://vigie:")


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


def test_the_image_runs_as_a_user_of_its_own() -> None:
    text = (HOME / "Dockerfile").read_text()
    (user,) = re.findall(r"^USER (\d+)$", text, re.MULTILINE)
    assert f"useradd --uid {user} " in text
