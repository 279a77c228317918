"""``edgeprune analyze``."""

from __future__ import annotations

from typing import Any

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json, telling


@click.command("analyze")
@_options.exploring("analysis")
@click.option("--no-pictures", is_flag=True, help="Without error surfaces and activation maps.")
def command(no_pictures: bool, as_json: bool, **given: Any) -> None:
    """Take out every neuron of MODEL, one at a time, and see what it does.

    Writes analysis.json, neurons.csv and analysis.html.
    """
    from edgeprune.pipeline.explore import analyze_model
    from edgeprune.pipeline.options import BuildOptions
    from edgeprune.pruning.groups import kept_words

    terminal = console()
    with telling(terminal) as progress:
        found = analyze_model(BuildOptions.of(**given), pictures=not no_pictures, progress=progress)
    neurons = found["neurons"]
    harmful = sum(n["verdict"] == "harmful" for n in neurons)
    terminal.print(
        f"{len(neurons)} neurons; accuracy rises without "
        f"{sum(n['accuracy_change'] > 0 for n in neurons)} of them, beyond chance without {harmful}"
        f"; see {given['out'] / 'analysis.html'}",
    )
    if found["kept_whole"]:
        terminal.print(f"no channel can go of {kept_words(found['kept_whole'])}", soft_wrap=True)
    if as_json:
        out_json(found)
