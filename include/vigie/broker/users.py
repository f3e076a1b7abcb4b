"""The users of Kafka, one for each kind of part, and what each may do.

Rights are Kafka's own ACLs. Whoever has none may do nothing, so that a new part needs a row here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from vigie.broker.admin import answers, get_admin
from vigie.broker.topics import ALERTS
from vigie.errors import SettingsError

_TIMEOUT = 15.0
_ITERATIONS = 8192
_READINGS = "readings."
_SPARK = "spark-kafka-"
"""How Spark begins the names of its consumer groups."""
_NOTIFIER = "notify_alerts"


@dataclass(frozen=True)
class Right:
    """What may be done with resources of one kind whose name begins so, or is so."""

    kind: ResourceType
    name: str
    operations: tuple[AclOperation, ...]
    prefix: bool = False


def _topic(name: str, *operations: AclOperation, prefix: bool = False) -> Right:
    return Right(ResourceType.TOPIC, name, operations, prefix)


def _group(name: str) -> Right:
    return Right(ResourceType.GROUP, name, (AclOperation.READ,), prefix=True)


_SEND = _topic(_READINGS, AclOperation.WRITE, AclOperation.DESCRIBE, prefix=True)
_READ = _topic(_READINGS, AclOperation.READ, AclOperation.DESCRIBE, prefix=True)
# Commands and streams look first whether the topic is as its contract says.
_COMPARE = _topic(_READINGS, AclOperation.DESCRIBE_CONFIGS, prefix=True)
USERS: Mapping[str, tuple[Right, ...]] = {
    "ingest": (_SEND,),
    "simulator": (_SEND, _COMPARE),
    "stream": (
        *(_READ, _COMPARE, _group(_SPARK)),
        _topic(ALERTS, AclOperation.WRITE, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS),
    ),
    # Its tasks collect files, archive, restate and pass alerts on.
    "airflow": (
        *(_SEND, _READ, _COMPARE, _group(_SPARK), _group(_NOTIFIER), _group("vigie-lake")),
        _topic(ALERTS, AclOperation.READ, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS),
    ),
    "exporter": (_topic(_READINGS, AclOperation.DESCRIBE, prefix=True),),
}
"""Each user with its rights. An administrator, who made them, is none of these."""


def set_users(passwords: Path | None) -> dict[str, bool]:
    """Give each user its password and exactly its rights; may be repeated at any time.

    Args:
        passwords: A folder in which a file `kafka_<user>` holds that user's password; None where
            users and passwords are made elsewhere, as by some Kafka services.

    Returns:
        Each user, and whether it was given a password.

    Raises:
        SettingsError: The folder lacks passwords.
        RightMissing: Whoever asks may not make users.
        BrokerError: The broker is away, or refused for another reason.
    """
    if passwords is not None:
        _set_passwords(passwords)
    for user in USERS:
        _set_rights(user)
    return dict.fromkeys(USERS, passwords is not None)


def _set_passwords(folder: Path) -> None:
    files = {user: folder / f"kafka_{user}" for user in USERS}
    if missing := [file.name for file in files.values() if not file.is_file()]:
        message = f"{folder}: no file {', '.join(missing)}; expected a user's password in each"
        raise SettingsError(message)
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
    upserts: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, scram, file.read_bytes().strip())
        for user, file in files.items()
    ]
    changed = get_admin().alter_user_scram_credentials(upserts, request_timeout=_TIMEOUT)
    answers(changed, subject="users of Kafka", timeout=_TIMEOUT)


def _set_rights(user: str) -> None:
    admin, subject = get_admin(), f"rights of Kafka's user {user}"
    wanted = set(_bindings(user))
    anything: Any = None  # what the client's own types do not know
    asked = AclBindingFilter(
        *(ResourceType.ANY, anything, ResourcePatternType.ANY, f"User:{user}", anything),
        *(AclOperation.ANY, AclPermissionType.ANY),
    )
    told = {subject: admin.describe_acls(asked, request_timeout=_TIMEOUT)}
    there = set(answers(told, subject=subject, timeout=_TIMEOUT)[subject])
    if missing := list(wanted - there):
        made = admin.create_acls(missing, request_timeout=_TIMEOUT)
        answers(made, subject=subject, timeout=_TIMEOUT)
    if surplus := [_exactly(binding) for binding in there - wanted]:
        gone = admin.delete_acls(surplus, request_timeout=_TIMEOUT)
        answers(gone, subject=subject, timeout=_TIMEOUT)


def _bindings(user: str) -> Iterator[AclBinding]:
    for right in USERS[user]:
        pattern = ResourcePatternType.PREFIXED if right.prefix else ResourcePatternType.LITERAL
        for operation in right.operations:
            yield AclBinding(
                *(right.kind, right.name, pattern, f"User:{user}", "*"),
                *(operation, AclPermissionType.ALLOW),
            )


def _exactly(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        *(binding.restype, binding.name, binding.resource_pattern_type, binding.principal),
        *(binding.host, binding.operation, binding.permission_type),
    )
