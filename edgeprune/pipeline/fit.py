"""Which boards a model fits: as it is, after pruning, or never, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph
from edgeprune.pipeline.answered import run_host
from edgeprune.pipeline.choose import Chooser
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.output import check_writable, write_result
from edgeprune.pipeline.prepare import Prepared, prepare
from edgeprune.pipeline.room import Room, room
from edgeprune.progress import Progress, silent
from edgeprune.report.explore import fit_page
from edgeprune.report.layers import channels
from edgeprune.target import Target, list_targets, load_target

Verdict = Literal["as it is", "after pruning", "never"]


@dataclass(frozen=True)
class Row:
    """One target.

    Attributes:
        target: its name.
        title: what people call it.
        flash_limit_bytes: flash for the model: that of the part, less what is reserved.
        ram_limit_bytes: RAM, likewise.
        fits: "as it is", "after pruning" or "never".
        why: what stands in the way of the next better verdict; what is left over where none is.
        dtype: element type of the network that fits; None where there is none, as below.
        flash_bytes: that the network takes.
        ram_bytes: that the network takes.
        measured: whether these were linked; otherwise they are estimates.
        channels: of every layer with weights.
        accuracy: on samples that nothing was chosen by.
    """

    target: str
    title: str
    flash_limit_bytes: int | None
    ram_limit_bytes: int | None
    fits: Verdict
    why: str
    dtype: str | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    measured: bool | None = None
    channels: dict[str, int] | None = None
    accuracy: float | None = None


def fit_model(
    options: BuildOptions, targets: Sequence[str] = (), progress: Progress = silent
) -> dict[str, Any]:
    """Which targets a model fits.

    Args:
        options: model, data, element type, criterion, schedule, floors on the accuracy of pruned
            networks; ``out`` receives fit.json and fit.html.
        targets: names or profiles; none: every board that comes with the package.
        progress: told target by target.

    Returns:
        The content of fit.json.

    Raises:
        EdgePruneError: a target is no part with flash and RAM of its own, or the input is wrong.
    """
    parts = [load_target(t) for t in targets] or _boards()
    for part in parts:
        if part.flash_limit is None or part.ram_limit is None:
            what = f"{part.name!r} is a {part.kind} without flash and RAM of its own"
            raise EdgePruneError("--target", what, "name boards; `edgeprune targets` has them")
    check_writable(options.out, force=options.force)
    progress("load", 0, 0)
    prepared = prepare(options)
    chooser = Chooser(prepared, options, progress)
    scored: list[tuple[Graph, float]] = []
    rows = []
    for i, part in enumerate(parts):
        progress("targets", i, len(parts))
        rows.append(_row(chooser, part, scored))
    progress("targets", len(parts), len(parts))
    content = {
        "schema": 1,
        "model": {"path": prepared.path.name, "sha256": prepared.sha256},
        "accuracy": prepared.scored(),
        "targets": [asdict(r) for r in rows],
    }
    write_result(options, "fit", content, fit_page(prepared.path.name, content), {})
    return content


def _boards() -> list[Target]:
    return [t for t in map(load_target, list_targets()) if t.kind == "board"]


def _row(chooser: Chooser, part: Target, scored: list[tuple[Graph, float]]) -> Row:
    given = room(chooser.options, part)
    fits: Verdict
    try:
        found = chooser.as_it_is(part, given)
        fits, why = "as it is", _left(found, given)
    except EdgePruneError as whole:
        try:
            found = chooser.pruned(part, given)
        except EdgePruneError as error:
            return Row(part.name, part.title, given.flash, given.ram, "never", _reason(error))
        gone = found.pruned is not None and found.pruned.history
        # smaller code may do where fast code does not
        fits, why = ("after pruning", _reason(whole)) if gone else ("as it is", _left(found, given))
    return Row(
        part.name,
        part.title,
        given.flash,
        given.ram,
        fits,
        why,
        found.compiled.recipe.form,
        found.size.flash_bytes,
        found.size.ram_bytes,
        found.size.measured,
        channels(found.compiled.graph),
        _accuracy(found, chooser.prepared, scored),
    )


def _left(found: Candidate, given: Room) -> str:
    left = given.limits.left(found.size.taken)
    parts = [f"{n:,.0f} {given.limits.title(k)}" for k, n in left.items()]
    return f"{' and '.join(parts)} to spare"


def _reason(error: EdgePruneError) -> str:
    return error.what.splitlines()[0]


def _accuracy(found: Candidate, prepared: Prepared, scored: list[tuple[Graph, float]]) -> float:
    """Of the C on this machine: whatever the target, the same C gives the same answers."""
    graph = found.compiled.graph
    known = next((a for g, a in scored if g is graph), None)
    if known is not None:
        return known
    right = prepared.truth.right(run_host(found.compiled, prepared.report.x))
    scored.append((graph, right))
    return scored[-1][1]
