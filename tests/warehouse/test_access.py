"""What each role of the database may do to each schema."""

from __future__ import annotations

import psycopg
import pytest

from tests.access import Lines, load
from vigie.local.postgres import connect
from vigie.local.stack import Stack

pytestmark = pytest.mark.warehouse

PART = load()["database"]
_TABLES = (
    "pg_class c WHERE c.relnamespace = to_regnamespace(%(schema)s) AND c.relkind IN ('r', 'p', 'v')"
)
_MAY = f"""
SELECT has_schema_privilege(%(role)s, %(schema)s, 'USAGE'),
       has_schema_privilege(%(role)s, %(schema)s, 'CREATE'),
       (SELECT count(*) FROM {_TABLES}),
       (SELECT count(*) FROM {_TABLES} AND has_table_privilege(%(role)s, c.oid, 'SELECT')),
       (SELECT count(*) FROM {_TABLES}
           AND has_table_privilege(%(role)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
"""


def test_each_role_may_do_to_each_schema_what_the_matrix_says(postgres: Stack) -> None:
    observed: Lines = {}
    with connect(postgres, "vigie") as connection:
        schemas = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'"
        for (schema,) in connection.execute(schemas).fetchall():
            observed[f"schema {schema}"] = [words(connection, who, schema) for who in PART.who]
        raised = "SELECT oid::regprocedure::text, oid FROM pg_proc WHERE prosecdef"
        for name, oid in connection.execute(raised).fetchall():
            asked = "SELECT has_function_privilege(%s, %s::oid, 'EXECUTE')"
            may = [connection.execute(asked, [who, oid]).fetchone() for who in PART.who]
            observed[name] = ["yes" if one and one[0] else "no" for one in may]
        asked = "SELECT has_database_privilege(%s, 'vigie', 'CONNECT')"
        may = [connection.execute(asked, [who]).fetchone() for who in PART.who]
        observed["log in to the warehouse"] = ["yes" if one and one[0] else "no" for one in may]

    assert observed == PART.lines


def words(connection: psycopg.Connection, role: str, schema: str) -> str:
    """What a role may do to the tables and views of a schema."""
    row = connection.execute(_MAY, {"role": role, "schema": schema}).fetchone()
    assert row is not None
    usage, create, tables, read, written = row
    if not usage:
        return "no"
    said = ["makes tables"] if create else []
    for verb, count in (("writes", written), ("reads", read)):
        if count:
            said.append(verb if count == tables else f"{verb} some")
    return ", ".join(said) or "no"


@pytest.mark.parametrize("role", PART.who)
def test_a_wrong_password_lets_nobody_in(postgres: Stack, role: str) -> None:
    host, port = postgres.address("postgres").split(":")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        # pragma: allowlist nextline secret - it is refused
        psycopg.connect(host=host, port=port, user=role, password="wrong", dbname="vigie")
