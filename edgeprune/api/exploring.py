"""``analyze``, ``sweep``, ``explore`` and ``extract``: looking at a model without building it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from edgeprune.api.arguments import Data, Labels, Levels, Model, Numbers, Size, Words, options_of
from edgeprune.api.notebook import Result, told
from edgeprune.pipeline.explore import RUNS, analyze_model, extract_model, sweep_model
from edgeprune.pipeline.frontier import explore_model
from edgeprune.pipeline.options import DtypeChoice, Some
from edgeprune.pipeline.pareto import pareto_model, refuse_compared
from edgeprune.pipeline.values import parse_levels, parse_names, refuse_unknown
from edgeprune.progress import Progress
from edgeprune.pruning.criteria import CRITERIA
from edgeprune.pruning.ranking import Schedule
from edgeprune.schema import Share


def analyze(
    model: Model = None,
    example_input: Any = None,
    *,
    data: Data = None,
    test: Data = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    pictures: bool = True,
    seed: int = 0,
    out: str | Path = "analysis",
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """What happens to error and accuracy when each neuron goes, one at a time.

    Args are those of :func:`build`; ``pictures``: with error surfaces and activation maps.

    Returns:
        The content of analysis.json.

    Raises:
        EdgePruneError: the input is wrong.
    """
    given = locals()
    with options_of(given) as options:
        found = analyze_model(options, pictures=pictures, progress=told(progress))
        return Result(found, options.out / "analysis.html")


def sweep(
    model: Model = None,
    example_input: Any = None,
    *,
    data: Data = None,
    test: Data = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    levels: Levels = "10:90:10",
    criteria: Words = ("obs",),
    schedule: Schedule = "iterative",
    dtype: Literal["auto", "int8", "float32"] = "auto",
    runs: Some = RUNS,
    jobs: int = 1,
    journal: str | Path | None = None,
    pareto: bool = False,
    target: str = "cortex-m4",
    ram: Size | None = None,
    seed: int = 0,
    out: str | Path = "sweep",
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Prune a model to many sizes, several times, and measure accuracy against size.

    Args are those of :func:`build`, and:
        levels: percent removed, "10:90:10" or [10, 20], or sizes "8KB,16KB"; with ``pareto`` of
            linked flash.
        criteria: several are compared; one with ``pareto``.
        runs: seeds that are averaged, from ``seed`` on; not with ``pareto``.
        jobs: parallel workers, in joblib's current backend.
        journal: a file that remembers finished runs; likewise.
        pareto: build every level for ``target``, and find the frontier.

    Returns:
        The content of sweep.json or pareto.json.

    Raises:
        EdgePruneError: the input is wrong.
    """
    given = locals()
    values, of = parse_levels(levels)
    compared = parse_names(criteria, "criteria")
    refuse_unknown("criteria", compared, ("obs", *CRITERIA))
    remembers = None if journal is None else Path(journal)
    if pareto:
        refuse_compared(compared, runs, remembers)
    with options_of(given, criterion=compared[0] if pareto else "obs") as options:
        if pareto:
            found = pareto_model(options, levels=values, of=of, progress=told(progress))
            return Result(found, options.out / "pareto.html")
        found = sweep_model(
            options,
            levels=values,
            of=of,
            criteria=compared,
            seeds=range(seed, seed + runs),
            journal=remembers,
            progress=told(progress),
        )
        return Result(found, options.out / "sweep.html")


def extract(
    model: Model = None,
    example_input: Any = None,
    *,
    data: Data = None,
    test: Data = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    classes: Labels | None = None,
    zeta: float = 0.4,
    floor: Share | None = None,
    seed: int = 0,
    out: str | Path = "extract",
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The sub-network of each label of a model, and of several together.

    Args are those of :func:`build`; ``floor``: search the zeta that keeps this balanced accuracy.

    Returns:
        The content of extract.json.

    Raises:
        EdgePruneError: the input is wrong, or has no labels.
    """
    given = locals()
    with options_of(given, alone=("zeta",)) as options:
        found = extract_model(options, floor=floor, progress=told(progress))
        return Result(found, options.out / "extract.html")


def explore(
    model: Model = None,
    example_input: Any = None,
    *,
    data: Data = None,
    test: Data = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    levels: Levels = "10:90:10",
    target: str = "cortex-m4",
    ram: Size | None = None,
    dtype: DtypeChoice = "auto",
    bits: str | int = "2-8",
    criterion: str = "obs",
    schedule: Schedule = "iterative",
    labels: Words | Path = (),
    seed: int = 0,
    out: str | Path = "explore",
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Build a model at many sizes, and write a page on which limits are moved to choose one.

    Args are those of :func:`build`, and:
        levels: percent of the whole network's flash to save, "10:90:10" or [10, 20], or sizes
            "8KB,16KB".

    Returns:
        The content of explore.json.

    Raises:
        EdgePruneError: the input is wrong.
        CannotFitError: no level can be met.
    """
    given = locals()
    values, of = parse_levels(levels)
    with options_of(given) as options:
        found = explore_model(options, levels=values, of=of, progress=told(progress))
        return Result(found, options.out / "explore.html")
