"""``edgeprune flash``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json, telling
from edgeprune.errors import EdgePruneError


@click.command("flash")
@_options.folder
@click.option("--board", required=True, help="A board of `edgeprune targets`, or your own .toml.")
@click.option("--port", help="Its serial line, where the tool needs it: /dev/ttyACM0.")
@click.option(
    "--probe", is_flag=True, help="It talks through a debug probe, not over the serial line."
)
@click.option("--tool", help="The program that writes it; else the first that is installed.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@_options.as_json
def command(
    folder: Path,
    board: str,
    port: str | None,
    probe: bool,
    tool: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Write the self-test of FOLDER onto a board, as whole firmware.

    What is on the board is lost. Then `edgeprune run FOLDER --on serial:PORT`, with --probe
    `--on probe`, measures the model there. This compiles the C in FOLDER, and the board runs it: do
    so only with a folder of somebody whom you trust.
    """
    from edgeprune.pipeline.flash import flash_plan, write_flash

    terminal = console()
    with telling(terminal) as progress:
        progress("firmware", 0, 0)
        plan = flash_plan(folder, board, port=port, tool=tool, probe=probe)
    size = plan.record["bytes"]
    what = "the sketch" if size is None else f"{size:,} bytes"
    terminal.print(f"{what} for {board}, to be written by:")
    terminal.print(f"  {plan.record['command']}", soft_wrap=True)
    if not yes:
        if not sys.stdin.isatty():
            raise EdgePruneError("flash", "nobody is there to be asked", "--yes writes at once")
        click.confirm(f"This replaces what is on {board}. Write it?", abort=True, err=True)
    write_flash(plan)
    line = "probe" if probe else f"serial:{port or 'PORT'}"
    terminal.print(f"written; next: edgeprune run {shlex.quote(str(folder))} --on {line}")
    if as_json:
        out_json(plan.record)
