"""``edgeprune report``."""

from __future__ import annotations

from pathlib import Path

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console


@click.command("report")
@_options.folder
def command(folder: Path) -> None:
    """Make FOLDER's report.html again from its report.json, and show the report."""
    from edgeprune.pipeline.output import replace_file
    from edgeprune.report.page import page_of
    from edgeprune.report.read import read_report
    from edgeprune.report.terminal import show_report

    record = read_report(folder)
    replace_file(folder, "report.html", page_of(record, str(folder / "report.json")))
    show_report(record, console(), str(folder / "report.html"))
