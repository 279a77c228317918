"""Arguments to pipeline to exit status: a file for each command. The only package that prints.

Everything heavy is imported inside the commands, so that ``edgeprune --help`` answers at once. Add
one: a file with a ``command``, and its row below.
"""

from __future__ import annotations

import copy
import errno
import os
import signal
import sys
import tempfile
from contextlib import suppress
from typing import Any, NoReturn

import click

from edgeprune import __version__, heap
from edgeprune.cli import (
    analyze,
    build,
    compare,
    doctor,
    explore,
    extract,
    fit,
    flash,
    log,
    ops,
    report,
    run,
    sweep,
    targets,
    verify,
)
from edgeprune.cli._console import talkative
from edgeprune.errors import EdgePruneError
from edgeprune.scratch import workspace

INTERRUPTED = 130
WORK = (build, fit, explore, analyze, sweep, extract, verify, run, flash, report, compare, log)
TABLES = (targets, ops, doctor)


class _Group(click.Group):
    """A group whose errors are one message and the contract's exit status."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            _refuse_two_names(command, rest)
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EdgePruneError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_status)
        except (KeyboardInterrupt, click.Abort):
            _end_interrupted(ctx)
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the reader went away
            ctx.exit(0)
        except (OSError, MemoryError) as error:
            click.echo(f"error: {_refusal(error)}", err=True)
            ctx.exit(EdgePruneError.exit_status)
        except ImportError as error:
            # what a signal raises while a native module starts comes out as the failure of that
            if not isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
                raise
            _end_interrupted(ctx)


def _refuse_two_names(command: click.Command, args: list[str]) -> None:
    """Who gives an option by both of its names takes them for two; of one name the last counts."""
    used = _names_used(command, args)
    for option in command.params:
        if len(twice := [name for name in option.opts if name in used]) > 1:
            raise click.UsageError(f"{' and '.join(twice)} are names of one option: give one")


def _names_used(command: click.Command, args: list[str]) -> set[str]:
    """By which of their names options are given: the parser's word, of options with a name each.

    What is a value or stands behind ``--`` is no name to it, and ``-oA`` is ``-o``.
    """
    alone = copy.copy(command)
    alone.params = []
    for param in command.params:
        for name in param.opts:
            one = copy.copy(param)
            one.opts = [name]
            alone.params.append(one)
    try:
        given = alone.make_parser(click.Context(alone)).parse_args([*args])[2]
    except click.UsageError:  # said where the command itself parses them
        return set()
    return {param.opts[0] for param in given if isinstance(param, click.Option)}


def _end_interrupted(ctx: click.Context) -> NoReturn:
    click.echo("interrupted; nothing was written", err=True)
    ctx.exit(INTERRUPTED)


def _refusal(error: OSError | MemoryError) -> EdgePruneError:
    """What the system does not give: a full disk, a missing permission, memory."""
    if isinstance(error, MemoryError):
        return EdgePruneError("memory", "there is not enough of it")
    hint = ""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full and error.filename is None:  # which disk cannot be told
        hint = "free some of the output's disk, or of that for temporary files, which TMPDIR names"
    return EdgePruneError(str(error.filename or "system"), error.strerror or str(error), hint)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgeprune")
def app() -> None:
    """Make a trained network fit a microcontroller: prune, quantise, compile, verify.

    Human output goes to stderr, machine output (--json) to stdout.
    """


class _Interrupted(KeyboardInterrupt):
    """A signal asked for the end.

    A class of its own: where a ``KeyboardInterrupt`` itself passes through ``exec`` of a text, as
    in the making of a dataclass, CPython remembers that and dies of SIGINT in the end, whoever
    caught it since.
    """


def _interrupt(sent: int, _: object) -> None:
    """End as Ctrl-C does; what is sent again does not disturb the cleaning up."""
    if sent != signal.SIGINT:
        signal.signal(sent, signal.SIG_IGN)
    raise _Interrupted


for _module in WORK:
    app.add_command(talkative(_module.command))
for _module in TABLES:
    app.add_command(_module.command)


def _open_streams() -> None:
    """What is read from and written to streams that the caller closed comes from and goes nowhere.

    Otherwise files that are opened later would take their numbers, and get what is written there.
    """
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is fd
            setattr(sys, name, open(fd, "w" if fd else "r", closefd=False))  # noqa: SIM115


def main() -> None:
    """Entry point of the command."""
    _open_streams()
    heap.bound()
    for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sent, _interrupt)
    with suppress(OSError):  # told by the first that needs a temporary file
        # of every library and of every program that is started, too: nothing outlives the command
        tempfile.tempdir = os.environ["TMPDIR"] = str(workspace())
    app(prog_name="edgeprune")
