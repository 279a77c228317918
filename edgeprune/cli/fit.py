"""``edgeprune fit``."""

from __future__ import annotations

from typing import Any

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json, telling
from edgeprune.cli._options import SHARE


@click.command("fit")
@_options.exploring("fit")
@click.option("--target", "targets", multiple=True, help="Several; all boards if left out.")
@_options.dtype
@_options.bits
@_options.criterion
@_options.schedule
@click.option("--min-accuracy", type=SHARE, help="Lowest accuracy of a pruned network, 0 to 1.")
@click.option("--max-drop", help="Largest loss of accuracy of a pruned network: 0.5pt.")
def command(as_json: bool, targets: tuple[str, ...], **given: Any) -> None:
    """Say which boards MODEL fits: as it is, after pruning and how well, or never, and why.

    Writes fit.json and fit.html. A board's room is its flash and RAM less what is reserved.
    """
    from edgeprune.pipeline.fit import fit_model
    from edgeprune.pipeline.options import BuildOptions
    from edgeprune.report.terminal import show_fit

    terminal = console()
    with telling(terminal) as progress:
        found = fit_model(BuildOptions.of(**given), targets, progress)
    show_fit(found, terminal)
    terminal.print(f"see {given['out'] / 'fit.html'}")
    if as_json:
        out_json(found)
