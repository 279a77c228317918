"""``edgeprune run``."""

from __future__ import annotations

from pathlib import Path

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json, telling


@click.command("run")
@_options.folder
@click.option(
    "--on",
    "target",
    default=None,
    help="The emulated core, by default that which it was built for; or serial:/dev/ttyACM0 or "
    "probe, a board that `edgeprune flash` wrote to.",
)
@click.option("--count", type=int, default=100, show_default=True, help="Inferences to run.")
@click.option("--profile", is_flag=True, help="Tell the layers apart.")
@_options.as_json
def command(folder: Path, target: str | None, count: int, profile: bool, as_json: bool) -> None:
    """Run the firmware of FOLDER on an emulated core or on a board, compare it with the host.

    Of a board, cycles or milliseconds and stack are put into FOLDER's report, as measured.

    This compiles the C in FOLDER and runs it, on this machine too, within limits of time and memory
    but with your rights: do so only with a folder of somebody whom you trust.
    """
    from edgeprune.pipeline.run import run_folder
    from edgeprune.report.terminal import show_run

    terminal = console()
    with telling(terminal) as progress:
        record = run_folder(folder, target, count=count, profile=profile, progress=progress)
    show_run(record, terminal)
    if as_json:
        out_json(record)
    if record["target_vs_host_mismatches"]:
        raise SystemExit(1)
