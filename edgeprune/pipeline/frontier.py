"""The frontier of a model, computed once, with all that a page needs to choose from it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edgeprune.errors import CannotFitError
from edgeprune.ir import fed
from edgeprune.pipeline.answered import run_host
from edgeprune.pipeline.choose import Chooser
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.output import check_writable, write_result
from edgeprune.pipeline.prepare import Prepared, prepare
from edgeprune.pipeline.room import Room
from edgeprune.progress import Progress, silent
from edgeprune.report.classes import class_table
from edgeprune.report.examples import examples
from edgeprune.report.frontier import frontier_page
from edgeprune.report.interface import interface_of
from edgeprune.report.layers import layer_rows
from edgeprune.scratch import workspace
from edgeprune.target import Target, list_targets, load_target
from edgeprune.verify.agreement import on_target
from edgeprune.verify.run_target import TargetRun

INFERENCES = 2
"""On the emulated core, for cycles by layer."""
EXAMPLES = 6


def explore_model(
    options: BuildOptions, *, levels: Sequence[float], of: str, progress: Progress = silent
) -> dict[str, Any]:
    """Build a network for every level, and tell of each what a page lets people choose by.

    Args:
        options: model, data, target, element type, ``ram``, criterion; ``out`` receives
            explore.json and explore.html.
        levels: bytes of flash, or shares of the whole network's flash that are to be saved.
        of: "bytes" or "share".
        progress: told level by level.

    Returns:
        The content of explore.json: for each network its bytes, cycles, accuracy, classes, layers
        and samples, and the command that builds it.

    Raises:
        CannotFitError: no level can be met.
    """
    check_writable(options.out, force=options.force)
    target = load_target(options.target)
    progress("load", 0, 0)
    prepared = prepare(options)
    chooser = Chooser(prepared, options, progress)
    whole = chooser.as_it_is(target, Room(None, None, target.bound))
    dense = whole.size.flash_bytes
    budgets = sorted((levels if of == "bytes" else (dense * (1 - v) for v in levels)), reverse=True)
    points = [_point(whole, None, prepared, options, target)]
    for i, budget in enumerate(budgets):
        progress("frontier", i, len(budgets))
        try:
            found = chooser.pruned(target, Room(int(budget), options.ram, target.bound))
        except CannotFitError:
            break  # and no smaller one can be met
        points.append(_point(found, int(budget), prepared, options, target))
    progress("frontier", len(budgets), len(budgets))
    if len(points) == 1:
        hint = "larger levels, or another --dtype"
        raise CannotFitError("--levels", f"no level fits {target.name}", hint)
    content = {
        "schema": 1,
        "model": {"path": prepared.path.name, "sha256": prepared.sha256},
        "target": target.name,
        "bound": target.bound,
        "clock_hz": target.clock_hz,
        "labels": list(prepared.labels) or None,
        "accuracy": {
            "n": len(prepared.report.x),
            "measure": prepared.truth.measure,
            "labels": prepared.told_by,
            "samples": prepared.reported,
        },
        "boards": list(_boards(target)),
        "points": points,
    }
    write_result(options, "explore", content, frontier_page(content), {})
    return content


def _point(
    found: Candidate,
    budget: int | None,
    prepared: Prepared,
    options: BuildOptions,
    target: Target,
) -> dict[str, Any]:
    compiled, x = found.compiled, prepared.report.x
    graph = compiled.graph
    made = run_host(compiled, x)
    truth, source, told = prepared.truth, prepared.reference, prepared.told_by == "data"
    run = _run(found, prepared, target)
    shape = graph.types[graph.inputs[0]].shape if len(graph.inputs) == 1 else None
    return {
        "budget_bytes": budget,
        "dtype": compiled.recipe.form,
        "flash_bytes": found.size.flash_bytes,
        "ram_bytes": found.size.ram_bytes,
        "macs": graph.macs,
        "cycles": None if run is None else run.cycles,
        "ms": None if run is None else run.time["ms"],
        "validation_accuracy": found.accuracy,
        "accuracy": truth.right(made),
        "source_accuracy": truth.right(source),
        "classes": None
        if prepared.report.y is None
        else class_table(truth.values, truth.said(source), truth.said(made)),
        "interface": interface_of(graph),
        "layers": layer_rows(prepared.graph, compiled, run, {}),
        "examples": examples(x, truth, source, made, shape, told=told)[:EXAMPLES],
        "command": _command(options, budget),
    }


def _run(found: Candidate, prepared: Prepared, target: Target) -> TargetRun | None:
    """Some inferences on the emulated core, where there is one."""
    with TemporaryDirectory(dir=workspace(), prefix="run-") as temp:
        found.compiled.write_c(Path(temp), "model")
        rows = fed(found.compiled.graph, prepared.rank.x[:INFERENCES])
        optimize = found.compiled.recipe.optimize
        return on_target(Path(temp), target, rows, optimize, profile=True)


def _command(options: BuildOptions, budget: int | None) -> str:
    """The command that builds the same network."""
    words = ["edgeprune", "build", *([_called(options.model)] if options.model else [])]
    defaults = asdict(BuildOptions(options.out))
    given: dict[str, object] = {
        "--data": _called(options.data) if options.data else None,
        "--test": _called(options.test) if options.test else None,
        "--mean": _numbers(options.mean),
        "--std": _numbers(options.std),
        "--budget": budget,
        "--ram": None if budget is None else options.ram,
    }
    if options.labels and not any("," in name for name in options.labels):
        given["--labels"] = ",".join(options.labels)
    for name in ("target", "dtype", "criterion", "schedule", "seed"):
        value = getattr(options, name)
        given[f"--{name}"] = value if value != defaults[name] else None
    if options.bits != defaults["bits"]:
        given["--bits"] = "-".join(map(str, options.bits))
    for name, value in given.items():
        words += [name, str(value)] if value is not None else []
    return shlex.join([*words, "-o", "net"])


def _called(path: Path) -> str:
    """The user's path; of what stands for an object of Python, and is gone afterwards, its name."""
    return path.name if path.is_relative_to(workspace()) else str(path)


def _numbers(values: Sequence[float] | None) -> str | None:
    return None if values is None else ",".join(map(repr, values))


def _boards(target: Target) -> Iterator[dict[str, Any]]:
    """The boards that have the target's core: the same firmware goes there."""
    core = target.core or target.name
    for board in map(load_target, list_targets()):
        if board.kind == "board" and board.core == core:
            yield {
                "name": board.name,
                "title": board.title,
                "flash_bytes": board.flash_limit,
                "ram_bytes": board.ram_limit,
            }
