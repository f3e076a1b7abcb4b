"""How this process shows the broker who it is: one login, for every kind of Kafka client.

librdkafka repeats a refused login behind the caller's back, who only sees that nobody answers. So
every client tells `Heard` of it, and errors ask there.
"""

from __future__ import annotations

from functools import cache
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError

from vigie.errors import SettingsError
from vigie.settings import Settings, get_settings

_REFUSALS = frozenset(
    (
        *(KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED),
        *(KafkaError.UNSUPPORTED_SASL_MECHANISM, KafkaError._SSL),
    )
)
_FRESH = 30.0
"""Seconds; a client tries again at least every ten."""
_MODULES = {"PLAIN": "plain.PlainLoginModule"}


class Heard:
    """The last refusal that clients of this process with one login were told."""

    def __init__(self) -> None:
        self._text, self._at = "", 0.0

    def __call__(self, error: KafkaError) -> None:
        """Take note of what a client tells about its connections."""
        if error.code() in _REFUSALS:
            self._text, self._at = error.str(), monotonic()

    @property
    def refusal(self) -> str:
        """What the broker said, or our client of its certificate; empty unless of late."""
        return self._text if monotonic() - self._at < _FRESH else ""


def refusal() -> str:
    """Why the login of the settings was refused; empty unless it was, within half a minute."""
    return _heard(tuple(_login().items())).refusal


def client_settings() -> dict[str, Any]:
    """What every client of librdkafka begins with: where the broker is, and the login.

    Raises:
        SettingsError: A login is asked for, and user or password is missing.
    """
    login = _login()
    return {**login, "error_cb": _heard(tuple(login.items()))}


def spark_settings() -> dict[str, str]:
    """The same as options of Spark's Kafka source, which plans and errors show: no password.

    The JVM has the login from `jaas_entry`.
    """
    settings = get_settings()
    found = {
        "kafka.bootstrap.servers": settings.kafka,
        "kafka.security.protocol": settings.kafka_protocol,
    }
    if _logs_in(settings):
        found["kafka.sasl.mechanism"] = settings.kafka_mechanism
    if settings.kafka_ca and settings.kafka_protocol.endswith("SSL"):
        found |= {
            "kafka.ssl.truststore.type": "PEM",
            "kafka.ssl.truststore.location": settings.kafka_ca,
        }
    return found


def jaas_entry() -> str:
    """The login as Java reads it from a file; empty where none is asked for.

    Raises:
        SettingsError: User or password is missing.
    """
    settings = get_settings()
    if not _logs_in(settings):
        return ""
    module = _MODULES.get(settings.kafka_mechanism, "scram.ScramLoginModule")
    login = {"username": settings.kafka_user, "password": settings.kafka_password}
    options = " ".join(f"{name}={_quoted(value)}" for name, value in login.items())
    return f"KafkaClient {{ org.apache.kafka.common.security.{module} required {options}; }};\n"


def as_user() -> str:
    """Who this process is to the broker, in words for a message."""
    settings = get_settings()
    if not settings.kafka_protocol.startswith("SASL"):
        return f"without a login ({settings.kafka_protocol})"
    return (
        f"as user {settings.kafka_user!r} ({settings.kafka_protocol}, {settings.kafka_mechanism})"
    )


@cache
def _heard(_: tuple[tuple[str, str], ...]) -> Heard:
    return Heard()


def _login() -> dict[str, str]:
    settings = get_settings()
    found = {
        "bootstrap.servers": settings.kafka,
        "security.protocol": settings.kafka_protocol,
    }
    if _logs_in(settings):
        found |= {
            "sasl.mechanism": settings.kafka_mechanism,
            "sasl.username": settings.kafka_user,
            "sasl.password": settings.kafka_password,
        }
    if settings.kafka_ca and settings.kafka_protocol.endswith("SSL"):
        found["ssl.ca.location"] = settings.kafka_ca
    return found


def _logs_in(settings: Settings) -> bool:
    if not settings.kafka_protocol.startswith("SASL"):
        return False
    missing = [name for name in ("kafka_user", "kafka_password") if not getattr(settings, name)]
    if missing:
        names = " and ".join(f"VIGIE_{name.upper()}" for name in missing)
        message = (
            f"Kafka at {settings.kafka}: VIGIE_KAFKA_PROTOCOL is {settings.kafka_protocol}, which "
            f"asks for a login, and {names} is empty. Set it, or lay it as a file into the folder "
            "VIGIE_SECRETS"
        )
        raise SettingsError(message)
    return True


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
