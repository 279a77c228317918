"""``edgeprune compare``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json
from edgeprune.cli._options import PATH

WHOLE = click.IntRange(0)


@click.command("compare")
@click.argument("folder_a", type=PATH)
@click.argument("folder_b", type=PATH)
@click.option("--max-flash-growth", help="Fail when B takes more flash by over this: 256, 1KB.")
@click.option("--max-ram-growth", help="Fail when B takes more RAM by over this.")
@click.option(
    "--max-instructions-growth",
    type=WHOLE,
    help="Fail when an inference of B takes more instructions by over this.",
)
@click.option("--max-cycles-growth", type=WHOLE, help="Likewise, of cycles.")
@click.option("--max-drop", help="Fail when B is less accurate by over this: 0.5pt.")
@click.option("--markdown", is_flag=True, help="Print a table for a pull request to stdout.")
@click.option("--junit", type=PATH, help="Write a file for CI, a test case for every figure.")
@_options.as_json
def command(
    folder_a: Path,
    folder_b: Path,
    markdown: bool,
    junit: Path | None,
    as_json: bool,
    **limits: Any,
) -> None:
    """Show two builds side by side; exit status 1 where a limit is crossed.

    A figure that has a limit and that one of the two lacks counts as crossed.
    """
    from edgeprune.errors import EdgePruneError
    from edgeprune.pipeline.compare import compare_folders
    from edgeprune.report.compare import as_junit, as_markdown, show_comparison

    if markdown and as_json:
        raise EdgePruneError("--markdown", "and --json both go to stdout", "name one")
    found, names = compare_folders(folder_a, folder_b, **limits), (str(folder_a), str(folder_b))
    show_comparison(found, console(), *names)
    if markdown:
        click.echo(as_markdown(found, *names), nl=False)
    if junit is not None:
        _write(junit, as_junit(found, *names))
    if as_json:
        out_json(found)
    if found["crossed"]:
        raise SystemExit(1)


def _write(path: Path, text: str) -> None:
    """All of a text or nothing: half a file is none that CI can read."""
    from edgeprune.errors import EdgePruneError
    from edgeprune.files import replace_text

    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")  # a pipe or a device stays one
        else:
            replace_text(Path(os.path.realpath(path)), text)
    except OSError as error:
        raise EdgePruneError(str(path), f"cannot be written: {error.strerror}") from None
