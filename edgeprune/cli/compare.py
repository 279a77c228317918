"""``edgeprune compare``."""

from __future__ import annotations

from pathlib import Path

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json
from edgeprune.cli._options import PATH


@click.command("compare")
@click.argument("folder_a", type=PATH)
@click.argument("folder_b", type=PATH)
@click.option("--max-flash-growth", help="Fail when B takes more flash by over this: 256, 1KB.")
@click.option("--max-ram-growth", help="Fail when B takes more RAM by over this.")
@click.option("--max-drop", help="Fail when B is less accurate by over this: 0.5pt.")
@_options.as_json
def command(
    folder_a: Path,
    folder_b: Path,
    max_flash_growth: str | None,
    max_ram_growth: str | None,
    max_drop: str | None,
    as_json: bool,
) -> None:
    """Show two builds side by side; exit status 1 where a limit is crossed."""
    from edgeprune.pipeline.options import parse_drop
    from edgeprune.report.compare import compare_reports, show_comparison
    from edgeprune.report.schema import read_report

    limits = {
        "flash_bytes": _options.size(max_flash_growth, "--max-flash-growth", least=0),
        "ram_bytes": _options.size(max_ram_growth, "--max-ram-growth", least=0),
        "accuracy": parse_drop(max_drop) if max_drop is not None else None,
    }
    found = compare_reports(read_report(folder_a), read_report(folder_b), limits)
    show_comparison(found, console(), str(folder_a), str(folder_b))
    if as_json:
        out_json(found)
    if found["crossed"]:
        raise SystemExit(1)
