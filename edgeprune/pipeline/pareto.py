"""The frontier: what accuracy costs in flash, RAM and multiply-accumulates, on built networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.pipeline.answered import run_host
from edgeprune.pipeline.choose import Chooser
from edgeprune.pipeline.explore import RUNS
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.output import check_writable, write_result
from edgeprune.pipeline.prepare import Prepared, prepare
from edgeprune.pipeline.room import Room
from edgeprune.progress import Progress, silent
from edgeprune.report.layers import channels
from edgeprune.report.pareto import Point, mark_frontier, pareto_page
from edgeprune.target import Target, load_target


def refuse_compared(criteria: Sequence[str], runs: int, journal: Path | None) -> None:
    """Refuse what only runs that are compared have: here every network is built once.

    Raises:
        EdgePruneError: there is such an option.
    """
    if len(criteria) != 1:
        raise EdgePruneError("--criterion", "is one with --pareto", "name one")
    idle = {"--runs": runs != RUNS, "--journal": journal is not None}
    for option in (name for name, given in idle.items() if given):
        raise EdgePruneError(option, "does nothing with --pareto", "leave it out")


def pareto_model(
    options: BuildOptions,
    *,
    levels: Sequence[float],
    of: str,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Build a network for every level, in every form, and see which of them no other one beats.

    Which networks are on the frontier is decided on the validation samples; their accuracy on the
    samples that nothing was chosen by stands beside it.

    Args:
        options: model, data, target, ``ram``, criterion; ``out`` receives pareto.json and
            pareto.html.
        levels: bytes of flash, or shares of the whole network's flash that are to be saved.
        of: "bytes" or "share".
        progress: told level by level.

    Returns:
        The content of pareto.json.

    Raises:
        CannotFitError: no level can be met.
    """
    check_writable(options.out, force=options.force)
    target = load_target(options.target)
    progress("load", 0, 0)
    prepared = prepare(options)
    chooser = Chooser(prepared, options, progress)
    whole = chooser.whole(target, every=True)
    dense = min(c.size.flash_bytes for c in whole)
    budgets = sorted(levels if of == "bytes" else (dense * (1 - v) for v in levels))

    built = _built(chooser, target, whole, [int(b) for b in budgets], options.ram, progress)
    points = mark_frontier([_point(c, b, prepared) for b, c in built])
    if len(points) == len(whole):
        raise CannotFitError(
            "--levels", f"no level fits {target.name}", "larger levels, or another --dtype"
        )
    content = {
        "schema": 1,
        "model": {"path": prepared.path.name, "sha256": prepared.sha256},
        "target": target.name,
        "accuracy": prepared.scored(),
        "points": [asdict(p) for p in points],
    }
    write_result(options, "pareto", content, pareto_page(prepared.path.name, content), {})
    return content


def _built(
    chooser: Chooser,
    target: Target,
    whole: Sequence[Candidate],
    budgets: Sequence[int],
    ram: int | None,
    progress: Progress,
) -> Iterator[tuple[int | None, Candidate]]:
    """Networks and what they were to fit: the whole ones, and those of each budget, large first."""
    yield from ((None, c) for c in whole)
    for i, budget in enumerate(reversed(budgets)):
        progress("frontier", i, len(budgets))
        try:
            made = chooser.within(target, Room(budget, ram))
        except CannotFitError:
            continue  # and no smaller one can be met
        yield from ((budget, c) for c in made)
    progress("frontier", len(budgets), len(budgets))


def _point(found: Candidate, budget: int | None, prepared: Prepared) -> Point:
    recipe = found.compiled.recipe
    right = prepared.truth.right(run_host(found.compiled, prepared.report.x))
    return Point(
        dtype=recipe.form,
        kernels=recipe.target.kernels[0],
        budget_bytes=budget,
        flash_bytes=found.size.flash_bytes,
        ram_bytes=found.size.ram_bytes,
        macs=found.compiled.graph.macs,
        channels=channels(found.compiled.graph),
        validation_accuracy=found.accuracy,
        accuracy=right,
    )
