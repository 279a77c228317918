"""What a user can get wrong, said as: where, what, hint."""

from __future__ import annotations

_LINE, _LINES = 500, 200  # characters of a line, and lines, that a message shows


def printable(text: str) -> str:
    """A text that a terminal shows and does not obey: what is no character of a text is escaped."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )


def _short(text: str) -> str:
    """A printable text of bounded length; what is left out of the middle is said."""
    lines = printable(text).splitlines()
    more = [f"... and {len(lines) - _LINES} lines more"] if len(lines) > _LINES else []
    return "\n".join([*map(_short_line, lines[:_LINES]), *more])


def _short_line(line: str) -> str:
    if len(line) <= _LINE:
        return line
    half = _LINE // 2
    return f"{line[:half]} ... {len(line) - _LINE} characters ... {line[-half:]}"


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
        where = self.where.replace("\n", "\\n")
        text = f"{_short_line(printable(where))}: {_short(self.what)}"
        return f"{text}\n  hint: {_short(self.hint)}" if self.hint else text


class UnsupportedError(EdgePruneError):
    """Something valid that edgeprune, or the chosen format or target, has no way to express."""


class CannotFitError(EdgePruneError):
    """The budget lies below what can be reached, or an artifact does not verify.

    Attributes:
        excess_bytes: by how much the smallest network is over its limits; None: another reason.
    """

    exit_status = 1
    excess_bytes: int | None = None
