"""T-SQL's queries and changes of rows as PostgreSQL's, by sqlglot; the rest is refused.

What sqlglot does not know it often passes on as it stands, so every kind of statement, function,
type and hint has to be on a list. Whether a text is T-SQL at all is ScriptDom's to judge.
"""

from __future__ import annotations

import re

from sqlglot import exp, parse
from sqlglot.errors import ErrorLevel, SqlglotError

from tests.tds.errors import Refused
from tests.tds.expressions import express

_STATEMENTS = (exp.Select, exp.SetOperation, exp.Insert, exp.Update, exp.Delete)
_LOCKING, _IGNORED = {"UPDLOCK"}, {"TABLOCK", "ROWLOCK", "HOLDLOCK"}
_CONTINUED = re.compile(r"\\\r?\n")


def translate(batch: str) -> list[str]:
    """The statements of a batch, for PostgreSQL.

    Raises:
        Refused: Something in it is not known here.
    """
    # A backslash before a line's end inside a text: SQL Server drops both.
    text = _CONTINUED.sub("", batch)
    try:
        return [_statement(tree) for tree in parse(text, read="tsql") if tree is not None]
    except SqlglotError as error:
        raise Refused(f"{str(error)[:300]} in: {batch[:300]}") from error


def _statement(tree: exp.Expr) -> str:
    if not isinstance(tree, _STATEMENTS):
        raise Refused(f"statement {tree.sql('tsql')[:200]!r}")
    if isinstance(tree, exp.Update):
        _use_target_of_update(tree)
    if isinstance(tree, exp.Delete) and tree.args.get("tables"):
        _use_target_of_delete(tree)
    for table in tree.find_all(exp.Table):
        _follow_hints(table)
    # Children first; the last that is visited is the statement itself.
    for node in reversed([*tree.walk(bfs=True)]):
        made = express(node)
        if made is not node:
            node.replace(made)
    return tree.sql("postgres", unsupported_level=ErrorLevel.RAISE)


def _use_target_of_update(tree: exp.Update) -> None:
    """UPDATE of an alias that FROM defines first becomes PostgreSQL's, of a table."""
    for assignment in tree.expressions:
        if isinstance(assignment.this, exp.Column):
            assignment.set("this", exp.column(assignment.this.this))
    source = tree.args.get("from_")
    if source is None:
        return
    target = source.this
    if target.alias != tree.this.name or tree.this.args.get("db"):
        raise Refused(f"UPDATE of {tree.this.sql('tsql')}, which is not FROM's first alias")
    others = _joined(tree, target)
    tree.set("this", target)
    source.set("this", others[0])
    others[0].set("joins", [exp.Join(this=other, kind="CROSS") for other in others[1:]])


def _use_target_of_delete(tree: exp.Delete) -> None:
    (named,), target = tree.args["tables"], tree.this
    if target.alias != named.name:
        raise Refused(f"DELETE of {named.sql('tsql')}, which is not FROM's first alias")
    others = _joined(tree, target)
    tree.set("tables", None)
    tree.set("using", others)


def _joined(tree: exp.Expr, target: exp.Expr) -> list[exp.Expr]:
    """What the changed table is joined with; the conditions go to WHERE."""
    others, conditions = [], []
    for join in [*(target.args.get("joins") or []), *(tree.args.get("joins") or [])]:
        if join.side or join.kind not in ("", "INNER") or not join.args.get("on"):
            raise Refused(f"{join.sql('tsql')[:100]} in the FROM of a change")
        others.append(join.this)
        conditions.append(join.args["on"])
    if not others:
        raise Refused("a FROM with nothing beside the table that is changed")
    target.set("joins", None)
    tree.set("joins", None)
    if tree.args.get("where"):
        conditions.append(tree.args["where"].this)
    tree.set("where", exp.Where(this=exp.and_(*conditions, copy=False)))
    return others


def _follow_hints(table: exp.Table) -> None:
    hints = table.args.get("hints") or []
    words = {word.name.upper() for hint in hints for word in hint.expressions}
    unknown = words - _LOCKING - _IGNORED
    if unknown:
        raise Refused(f"hint {', '.join(sorted(unknown))}")
    table.set("hints", None)
    if words & _LOCKING:
        query = table.find_ancestor(exp.Select)
        if query is None:
            raise Refused("UPDLOCK outside a query")
        query.set("locks", [exp.Lock(update=True)])
