"""Options that several commands have, and what their texts mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

Command = Callable[..., None]
Option = Callable[[Command], Command]

PATH = click.Path(path_type=Path)
COUNT, EPOCHS, SHARE = click.IntRange(1), click.IntRange(0), click.FloatRange(0, 1)
MS = click.FloatRange(0, min_open=True)

folder = click.argument("folder", type=PATH)
model = click.argument("model", required=False, type=PATH)
data = click.option(
    "--data", type=PATH, help="Samples: .npz (x, y), or a folder of .npy or of pictures by class."
)
test = click.option("--test", type=PATH, help="Samples for reporting only.")
mean = click.option(
    "--mean", help="The model wants (x - mean) / std of the samples: 0.485,0.456,0.406."
)
std = click.option("--std", help="See --mean; both become part of the model.")
dtype = click.option(
    "--dtype",
    type=click.Choice(
        ["auto", "int8", "mixed", "int16x8", "int4", "float16", "dynamic", "float32"]
    ),
    default="auto",
    show_default=True,
    help="auto: what is more accurate on validation data within the budget.",
)
bits = click.option(
    "--bits",
    default="2-8",
    show_default=True,
    help="Fewest and most for weights, where auto or mixed meets a --budget.",
)


class Criterion(click.Option):
    """One whose help names all criteria; they are imported when it is shown, and not before."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from edgeprune.pruning.criteria import CRITERIA

        record = super().get_help_record(ctx)
        names = ", ".join(("obs", *sorted(CRITERIA)))
        return record and (record[0], record[1].format(criteria=names))


criterion = click.option(
    "--criterion",
    cls=Criterion,
    default="obs",
    show_default=True,
    help="How neurons rank: {criteria}.",
)
schedule = click.option(
    "--schedule",
    default="iterative",
    show_default=True,
    help="How neurons go: single, iterative, threshold, topk.",
)
seed = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of every random choice.",
)
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print the result to stdout as JSON."
)


def out(default: str) -> Option:
    """The folder that a command writes, and whether whatever it holds may go."""
    where = "The folder to write; an earlier result there that nobody changed is replaced."
    force = "Replace that folder, whatever it holds."
    return together(
        click.option(
            "-o", "--out", type=PATH, default=Path(default), show_default=True, help=where
        ),
        click.option("--force", is_flag=True, help=force),
    )


def zeta(help_text: str) -> Option:
    """How large a share of a label's maximum counts."""
    return click.option("--zeta", type=SHARE, default=0.4, show_default=True, help=help_text)


def together(*options: Option) -> Option:
    """Several options as one, in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def exploring(default_out: str) -> Option:
    """What commands that look at a model without building it have."""
    return together(model, data, test, mean, std, seed, as_json, out(default_out))
