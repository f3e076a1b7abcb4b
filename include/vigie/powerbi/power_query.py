"""Queries in Power Query's M, of steps that a database can fold into its SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_DATABASE = "Sql.Database(SqlServer, SqlDatabase)"


def text(value: str) -> str:
    """A text literal."""
    return '"' + value.replace('"', '""') + '"'


@dataclass
class Query:
    """Steps of a `let` expression; each method adds one and returns its name."""

    steps: dict[str, str] = field(default_factory=dict)
    _bases: dict[str, str] = field(default_factory=dict)
    """What a chain of steps began with, after which its steps are named."""

    def view(self, view: str) -> str:
        """Go to a view of schema `report`."""
        self.steps.setdefault("Database", _DATABASE)
        return self._add(view, f'Database{{[Schema = "report", Item = {text(view)}]}}[Data]')

    def rows(self, step: str, condition: str) -> str:
        """Keep the rows for which a condition on `[column]`s holds."""
        return self._next(step, "rows", f"Table.SelectRows({step}, each {condition})")

    def column(self, step: str, name: str, value: str, kind: str) -> str:
        """Add a column of a type."""
        added = f"Table.AddColumn({step}, {text(name)}, each {value}, {kind})"
        return self._next(step, name, added)

    def renamed(self, step: str, names: Mapping[str, str]) -> str:
        """Give columns other names: old → new."""
        pairs = ", ".join(f"{{{text(old)}, {text(new)}}}" for old, new in names.items())
        return self._next(step, "renamed", f"Table.RenameColumns({step}, {{{pairs}}})")

    def columns(self, step: str, names: Iterable[str]) -> str:
        """Keep these columns."""
        kept = ", ".join(text(name) for name in names)
        return self._next(step, "columns", f"Table.SelectColumns({step}, {{{kept}}})")

    def combined(self, name: str, steps: Sequence[str]) -> str:
        """Put the rows of several steps into one table."""
        return self._add(name, f"Table.Combine({{{', '.join(steps)}}})")

    def constant(self, name: str, types: Mapping[str, str], rows: Iterable[Sequence[str]]) -> str:
        """A table of literals."""
        kinds = ", ".join(f"{column} = {kind}" for column, kind in types.items())
        lines = ",\n".join(f"        {{{', '.join(row)}}}" for row in rows)
        return self._add(name, f"#table(type table [{kinds}], {{\n{lines}\n    }})")

    def result(self, step: str) -> str:
        """The whole expression, which gives the table of a step."""
        lines = ",\n".join(f"    {name} = {value}" for name, value in self.steps.items())
        return f"let\n{lines}\nin\n    {step}"

    def _next(self, step: str, suffix: str, value: str) -> str:
        base = self._bases.get(step, step)
        name = self._add(f"{base}_{suffix}", value)
        self._bases[name] = base
        return name

    def _add(self, name: str, value: str) -> str:
        self.steps[name] = value
        return name
