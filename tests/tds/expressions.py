"""T-SQL's expressions, one by one, as PostgreSQL's. A function that is on no list is refused."""

from __future__ import annotations

from sqlglot import exp

from tests.tds.errors import Refused

_FUNCTIONS = {
    "sysutcdatetime": "tsql.clock",
    "schema_id": "tsql.schema_id",
    "type_name": "tsql.type_name",
    "isnull": "coalesce",
    "nchar": "chr",
}
_KNOWN = (
    *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Coalesce, exp.Cast, exp.Case, exp.If),
    *(exp.And, exp.Or, exp.Exists, exp.RowNumber, exp.Lag, exp.Lead, exp.Abs, exp.Round),
    *(exp.Floor, exp.Sqrt, exp.Upper, exp.Lower, exp.TimeStrToTime, exp.TsOrDsToTimestamp),
    *(exp.PercentileCont, exp.Ceil, exp.Nullif),
)
_VARIABLES = {"SPID": "pg_backend_pid", "VERSION": "tsql.version"}
_MILLISECONDS = {
    "MILLISECOND": 1,
    "SECOND": 1000,
    "MINUTE": 60_000,
    "HOUR": 3_600_000,
    "DAY": 86_400_000,
}
_TYPES = {
    exp.DataType.Type.DATETIME2: "timestamptz(3)",
    exp.DataType.Type.DOUBLE: "double precision",
    exp.DataType.Type.FLOAT: "double precision",
    exp.DataType.Type.BOOLEAN: "boolean",
    exp.DataType.Type.BIT: "boolean",
    exp.DataType.Type.INT: "integer",
    exp.DataType.Type.BIGINT: "bigint",
    exp.DataType.Type.SMALLINT: "smallint",
    exp.DataType.Type.DATE: "date",
    exp.DataType.Type.DECIMAL: "numeric",
    exp.DataType.Type.NVARCHAR: "text",
    exp.DataType.Type.VARBINARY: "bytea",
}


def express(node: exp.Expr) -> exp.Expr:
    """What stands for one node, whose children have been translated already.

    Raises:
        Refused: It is not known here what SQL Server would make of it.
    """
    if isinstance(node, exp.National):
        return exp.Literal.string(node.this)
    if isinstance(node, exp.HexString):
        return _cast(exp.Literal.string(f"\\x{node.this}"), "bytea")
    if isinstance(node, exp.Collate):
        return node.this
    if isinstance(node, exp.Parameter):
        return _variable(node)
    if isinstance(node, exp.Anonymous):
        return _call(_FUNCTIONS.get(str(node.this).lower()), node, *node.expressions)
    if isinstance(node, exp.ObjectId):
        return _call("tsql.object_id", node, node.this)
    if isinstance(node, exp.CurrentSchema):
        return exp.Literal.string("dbo")
    if isinstance(node, exp.Column) and node.table.lower() in ("inserted", "deleted"):
        return exp.column(node.this)
    if isinstance(node, exp.DateAdd):
        return _moved(node)
    if isinstance(node, exp.DateDiff):
        return _bounds_between(node)
    if isinstance(node, exp.Extract):
        part = "tsql.millisecond" if node.name.upper() == "MILLISECOND" else None
        return _call(part, node, node.expression)
    if isinstance(node, exp.Add) and any(map(_is_text, (node.this, node.expression))):
        return exp.DPipe(this=node.this, expression=node.expression, safe=True)
    if isinstance(node, exp.TimeStrToTime):
        return node.this
    if isinstance(node, exp.Window) and isinstance(node.this, exp.WithinGroup):
        return _percentile(node)
    if isinstance(node, exp.DataType):
        return _type(node)
    if isinstance(node, exp.Func) and not isinstance(node, _KNOWN):
        raise Refused(f"function {node.sql('tsql')[:100]}")
    return node


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.DPipe) or (isinstance(node, exp.Literal) and node.is_string)


def _call(name: str | None, node: exp.Expr, *arguments: exp.Expr) -> exp.Expr:
    if name is None:
        raise Refused(f"function {node.sql('tsql')[:100]}")
    return exp.Anonymous(this=name, expressions=list(arguments))


def _variable(node: exp.Parameter) -> exp.Expr:
    if isinstance(node.parent, exp.Parameter):
        return node  # the inner one of the two in `@@NAME`
    return _call(_VARIABLES.get(_innermost(node).upper()), node)


def _innermost(node: exp.Expr) -> str:
    return _innermost(node.this) if isinstance(node.this, exp.Expr) else str(node.this)


def _cast(value: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build(kind, "postgres"))


def _type(node: exp.DataType) -> exp.Expr:
    if node.this not in _TYPES:
        raise Refused(f"type {node.sql('tsql')}")
    return exp.DataType.build(_TYPES[node.this], "postgres")


def _unit(node: exp.Expr) -> int:
    unit = node.args.get("unit")
    size = _MILLISECONDS.get(unit.name.upper()) if unit is not None else None
    if size is None:
        raise Refused(f"the unit of {node.sql('tsql')[:100]}")
    return size


def _moved(node: exp.DateAdd) -> exp.Expr:
    size = exp.Literal.number(_unit(node))
    return _call("tsql.moved", node, _moment(node.this), node.expression, size)


def _bounds_between(node: exp.DateDiff) -> exp.Expr:
    """How many bounds of the unit lie between two moments: what SQL Server counts."""
    size = exp.Literal.number(_unit(node))
    ends = (_moment(node.this), _moment(node.expression))
    last, first = (_call("tsql.steps", node, end, size.copy()) for end in ends)
    return exp.paren(exp.Sub(this=last, expression=first))


def _moment(value: exp.Expr) -> exp.Expr:
    return _cast(value, "timestamptz(3)") if isinstance(value, exp.Literal) else value


def _percentile(node: exp.Window) -> exp.Expr:
    """PostgreSQL has no ordered-set aggregate over a window."""
    within = node.this
    if not isinstance(within.this, exp.PercentileCont):
        raise Refused(node.sql("tsql")[:100])
    (ordered,) = within.expression.expressions
    node.set("this", _call("tsql.percentile", node, ordered.this, within.this.this))
    return node
