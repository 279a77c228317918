"""``edgeprune log``."""

from __future__ import annotations

from pathlib import Path

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json
from edgeprune.cli._options import PATH


@click.command("log")
@click.option(
    "--log",
    "path",
    type=PATH,
    default=Path("edgeprune-log.jsonl"),
    show_default=True,
    envvar="EDGEPRUNE_LOG",
    show_envvar=True,
    help="The record that `edgeprune build --log` writes.",
)
@click.option("--add", type=PATH, multiple=True, help="Folders of builds to record now.")
@click.option("--mlflow", help="Give the builds to MLflow: a folder, or a server's address.")
@_options.as_json
def command(path: Path, add: tuple[Path, ...], mlflow: str | None, as_json: bool) -> None:
    """Show the record of builds: figures, what changed, commands, hashes (--json)."""
    from edgeprune.pipeline.log import builds
    from edgeprune.pipeline.tracking import export
    from edgeprune.report.log import show_log

    entries, terminal = builds(path, add), console()
    show_log(entries, terminal)
    if mlflow is not None:
        new = export(entries, mlflow)
        terminal.print(f"{new} of {len(entries)} builds were new to {mlflow}")
    if as_json:
        out_json(entries)
