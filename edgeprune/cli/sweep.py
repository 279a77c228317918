"""``edgeprune sweep``."""

from __future__ import annotations

from typing import Any

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json, telling
from edgeprune.cli._options import COUNT, PATH


@click.command("sweep")
@_options.exploring("sweep")
@click.option("--levels", default="10:90:10", show_default=True, help="Percent removed, or sizes.")
@click.option(
    "--criterion",
    "criteria",
    cls=_options.Criterion,
    multiple=True,
    help="Several to compare them: {criteria}.",
)
@_options.schedule
@click.option("--dtype", type=click.Choice(["auto", "int8", "float32"]), default="auto")
@click.option("--runs", type=COUNT, default=3, show_default=True, help="Seeds that are averaged.")
@click.option("--jobs", type=COUNT, default=1, show_default=True, help="Parallel workers.")
@click.option("--journal", type=PATH, help="Remembers finished runs.")
@click.option("--pareto", is_flag=True, help="Build every level, and find the frontier.")
@click.option("--target", default="cortex-m4", show_default=True, help="With --pareto: for what.")
@click.option("--ram", help="With --pareto: bytes of RAM that none may exceed.")
def command(as_json: bool, pareto: bool, levels: str, **given: Any) -> None:
    """Prune MODEL to many sizes, several times, and plot accuracy against size.

    --levels 10:90:10 (percent removed) or a list of sizes of the parameters: 8KB,16KB,32KB. With
    --pareto they are percent or bytes of the linked flash, every network is built and measured,
    and the frontier of accuracy against flash, RAM and multiply-accumulates is written.
    """
    from edgeprune.pipeline.options import BuildOptions
    from edgeprune.pipeline.values import parse_levels

    values, of = parse_levels(levels)
    runs, criteria = given.pop("runs"), given.pop("criteria") or ("obs",)
    journal, seed = given.pop("journal"), given["seed"]
    terminal = console()
    with telling(terminal) as progress:
        if pareto:
            from edgeprune.pipeline.pareto import pareto_model, refuse_compared

            refuse_compared(criteria, runs, journal)
            options = BuildOptions.of(**given, criterion=criteria[0])
            found = pareto_model(options, levels=values, of=of, progress=progress)
        else:
            from edgeprune.pipeline.explore import sweep_model

            found = sweep_model(
                BuildOptions.of(**given),
                levels=values,
                of=of,
                criteria=criteria,
                seeds=range(seed, seed + runs),
                journal=journal,
                progress=progress,
            )
    for line in _frontier(found) if pareto else _trends(found):
        terminal.print(line)
    page = "pareto.html" if pareto else "sweep.html"
    terminal.print(f"see {given['out'] / page}")
    if as_json:
        out_json(found)


def _trends(found: dict[str, Any]) -> list[str]:
    def spread(trend: dict[str, Any]) -> str:
        return f" +- {100 * trend['accuracy_std']:.2f}" if trend["runs"] > 1 else ""

    return [
        f"{t['criterion']:>14} {t['level']:>10g}: {100 * t['accuracy']:.2f} %{spread(t)}"
        for t in found["trends"]
    ]


def _frontier(found: dict[str, Any]) -> list[str]:
    return [
        f"{p['dtype']:>8} {p['flash_bytes']:>11,} bytes of flash {p['ram_bytes']:>9,} of RAM "
        f"{p['macs']:>13,} MACs: {100 * p['accuracy']:.2f} %"
        for p in sorted(found["points"], key=lambda p: -int(p["flash_bytes"]))
        if p["chosen"]
    ]
