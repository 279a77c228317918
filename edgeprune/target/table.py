"""The rows of a TOML table, taken one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from edgeprune.errors import EdgePruneError
from edgeprune.schema import checked


class Table:
    """The rows of a TOML table, taken one by one and checked; what is left over is unknown."""

    def __init__(self, where: str, rows: Mapping[str, Any]) -> None:
        self.where = where
        self.rows = dict(rows)

    def take(self, key: str, kind: type[Any], default: Any) -> Any:
        """A row of a type; the default where there is none."""
        value = self.rows.pop(key, None)
        if value is None:
            return default
        return checked(value, kind, f"{self.where}: {key}")

    def strings(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A row that is a list of strings."""
        value = self.rows.pop(key, None)
        if value is None:
            return default
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise EdgePruneError(f"{self.where}: {key}", f"must be a list of strings, is {value!r}")
        return tuple(value)

    def choice(self, key: str, options: Any, default: str | None) -> str:
        """A row that is one of the options of a Literal."""
        allowed = get_args(options)
        value = self.take(key, str, default)
        if value not in allowed:
            what = f"must be one of {', '.join(allowed)}, is {value!r}"
            raise EdgePruneError(f"{self.where}: {key}", what)
        return str(value)

    def refuse_the_rest(self, known: list[str]) -> None:
        """Refuse rows that were not taken."""
        if self.rows:
            what = f"unknown keys {sorted(self.rows)}"
            raise EdgePruneError(self.where, what, f"known keys are {known}")
