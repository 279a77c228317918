"""``edgeprune extract``."""

from __future__ import annotations

from typing import Any

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json, telling
from edgeprune.cli._options import SHARE


@click.command("extract")
@_options.exploring("extract")
@click.option("--classes", help="Labels: 3,7; all where this is left out.")
@_options.zeta("Share of the maximum.")
@click.option("--floor", type=SHARE, help="Search the zeta that keeps this balanced accuracy.")
def command(as_json: bool, floor: float | None, **given: Any) -> None:
    """Find the sub-network of each label of MODEL, and of several together.

    Writes extract.json and extract.html. To get firmware: edgeprune build --classes 3.
    """
    from edgeprune.pipeline.explore import extract_model
    from edgeprune.pipeline.options import BuildOptions

    terminal = console()
    options = BuildOptions.of(**given, alone=("zeta",))
    with telling(terminal) as progress:
        found = extract_model(options, floor=floor, progress=progress)
    for row in found["labels"]:
        d = row["detector"]
        terminal.print(
            f"label {row['label']}: {row['neurons']} neurons, {row['parameters']:,} parameters; "
            f"detector: recall {100 * d['recall']:.2f} %, specificity "
            f"{100 * d['specificity']:.2f} %, balanced {100 * d['balanced_accuracy']:.2f} %",
        )
    last = found["cumulative"][-1]
    terminal.print(
        f"all together: {last['neurons']} neurons, {100 * last['accuracy']:.2f} % of all samples",
    )
    terminal.print(f"see {given['out'] / 'extract.html'}")
    if as_json:
        out_json(found)
