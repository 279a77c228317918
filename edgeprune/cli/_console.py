"""What goes to the terminal: text and progress to stderr, JSON to stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import click

from edgeprune.errors import printable
from edgeprune.progress import FLICKER, SILENCE, Lines, Progress, silent

Talk = Literal["quiet", "usual", "verbose"]
_TALK = "edgeprune.talk"  # where click's context keeps it


def talkative(command: click.Command) -> click.Command:
    """Give a command --quiet and --verbose."""

    def note(talk: Talk) -> Any:
        def callback(ctx: click.Context, _: click.Parameter, given: bool) -> None:
            if given and ctx.meta.setdefault(_TALK, talk) != talk:
                raise click.UsageError("--quiet and --verbose: name one")

        return callback

    kinds: tuple[tuple[list[str], Talk, str], ...] = (
        (["-q", "--quiet"], "quiet", "Say nothing but errors (and --json)."),
        (["-v", "--verbose"], "verbose", "Say every second how far it is."),
    )
    for names, talk, text in kinds:
        command.params.append(
            click.Option(names, is_flag=True, expose_value=False, help=text, callback=note(talk))
        )
    return command


def _talk() -> Talk:
    context = click.get_current_context(silent=True)
    found: Talk = "usual" if context is None else context.meta.get(_TALK, "usual")
    return found


def console() -> Any:
    """A console on stderr. Texts are shown as they are: what has a style is a ``Text``."""
    from rich.console import Console
    from rich.text import Text

    class Plain(Console):
        """Names come from untrusted files: neither markup nor what a terminal obeys."""

        def render_str(self, text: str, **how: Any) -> Text:
            return super().render_str(printable(text), **how)

    width = None if sys.stderr.isatty() else 110
    return Plain(
        stderr=True,
        width=width,
        quiet=_talk() == "quiet",
        markup=False,
        emoji=False,
        highlight=False,
    )


@contextmanager
def telling(console: Any) -> Iterator[Progress]:
    """Progress: bars on a terminal, elsewhere lines."""
    talk = _talk()
    if talk == "quiet":
        yield silent
    elif console.is_terminal and talk == "usual":
        with _bars(console) as progress:
            yield progress
    else:

        def say(line: str) -> None:
            console.print(line, soft_wrap=True)

        with Lines(say, silence=FLICKER if talk == "verbose" else SILENCE) as lines:
            yield lines


@contextmanager
def _bars(console: Any) -> Iterator[Progress]:
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
                tasks[stage] = bars.add_task(stage, total=total or None)
            bars.update(tasks[stage], completed=done, total=total or None)

        yield tell


def out_json(value: object) -> None:
    """Machine output, on stdout."""
    click.echo(json.dumps(value, indent=1, allow_nan=False))
