"""``edgeprune verify``."""

from __future__ import annotations

from pathlib import Path

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json, telling


@click.command("verify")
@_options.folder
@click.option("--target", help="What it was built for, where that is a profile of your own.")
@_options.as_json
def command(folder: Path, target: str | None, as_json: bool) -> None:
    """Check every artifact in FOLDER against the source model and against each other.

    This compiles the C in FOLDER and runs it on this machine, within limits of time and memory but
    with your rights: do so only with a folder of somebody whom you trust. The report in it may name
    listed targets, not profiles.
    """
    from rich.text import Text

    from edgeprune.pipeline.verify import verify as run_verify

    terminal = console()
    with telling(terminal) as progress:
        progress("verify", 0, 0)
        verdict = run_verify(folder, target=target)
    for what, passed, detail in verdict.checks:
        mark = Text("ok  ", "green") if passed else Text("FAIL", "red")
        terminal.print(mark, f"{what}: {detail}")
    if as_json:
        out_json(
            {
                "passed": verdict.passed,
                "checks": [{"what": w, "passed": p, "detail": d} for w, p, d in verdict.checks],
            }
        )
    if not verdict.passed:
        raise SystemExit(1)
