"""How long work says how far it is: a callback, so that nothing but the command line prints."""

from __future__ import annotations

from collections.abc import Callable

# (stage, steps done, steps in all)
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Say nothing."""
