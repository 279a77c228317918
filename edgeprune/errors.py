"""What a user can get wrong, said as: where, what, hint."""

from __future__ import annotations


class EdgePruneError(Exception):
    """An error that the user can fix. The command line prints it without a traceback.

    Args:
        where: the user's name for the place (file and key, layer, option).
        what: what is wrong, with the actual numbers.
        hint: a command or an edit that helps; empty if there is none.
    """

    exit_status = 2

    def __init__(self, where: str, what: str, hint: str = "") -> None:
        super().__init__(where, what, hint)
        self.where = where
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class UnsupportedError(EdgePruneError):
    """Something valid that edgeprune, or the chosen format or target, has no way to express."""


class CannotFitError(EdgePruneError):
    """The budget lies below what can be reached, or an artifact does not verify.

    Attributes:
        excess_bytes: by how much the smallest network is over its limits; None: another reason.
    """

    exit_status = 1
    excess_bytes: int | None = None
