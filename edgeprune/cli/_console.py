"""What goes to the terminal: text and progress to stderr, JSON to stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from edgeprune.progress import Progress, silent


def console() -> Any:
    """A console on stderr."""
    from rich.console import Console

    width = None if sys.stderr.isatty() else 110
    return Console(stderr=True, width=width)


@contextmanager
def bars(console: Any) -> Iterator[Progress]:
    """Progress bars, on a terminal only."""
    if not console.is_terminal:
        yield silent
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


def out_json(value: object) -> None:
    """Machine output, on stdout."""
    click.echo(json.dumps(value, indent=1, allow_nan=False))
