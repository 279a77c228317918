"""Looking at a network without building it: its neurons, its trade-offs, its sub-networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph, couple, predict
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.output import check_writable, write_result
from edgeprune.pipeline.prepare import Prepared, prepare
from edgeprune.pipeline.values import refuse_unknown
from edgeprune.progress import Progress, silent
from edgeprune.pruning.analyze import analyze
from edgeprune.pruning.criteria import CRITERIA, Context
from edgeprune.pruning.groups import kept_whole, kept_words, removable
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.pictures import ActivationMap, Surface, activation_maps, surfaces
from edgeprune.pruning.ranking import removal_order
from edgeprune.pruning.subnet import (
    Detection,
    detections,
    detector,
    extract,
    label_activity,
    labels_of,
    recognised,
    search_zeta,
)
from edgeprune.pruning.sweep import Sweep, sweep
from edgeprune.report.explore import analysis_page, extract_page, sweep_page

BITS = {"int8": 1, "float32": 4}  # bytes of a parameter
RUNS = 3  # of a sweep, where nothing else is asked for


def analyze_model(
    options: BuildOptions, *, pictures: bool = True, progress: Progress = silent
) -> dict[str, Any]:
    """What each neuron does to the error and the accuracy when it goes.

    Measured on the validation and report samples together: nothing is chosen by it.

    Args:
        options: model, data, seed; ``out`` receives analysis.json, neurons.csv and analysis.html.
        pictures: also error surfaces and activation maps.
        progress: told how far it is.

    Returns:
        The content of analysis.json.
    """
    check_writable(options.out, force=options.force)
    progress("load", 0, 0)
    prepared = prepare(options)
    graph = prepared.float_graph
    found = analyze(graph, prepared.report, progress=progress)
    kept = kept_whole(graph, couple(graph))
    curves: tuple[Surface, ...] = ()
    maps: tuple[ActivationMap, ...] = ()
    if pictures:
        progress("pictures", 0, 0)
        few = prepared.rank.first(500)
        ctx = Context(graph, couple(graph), few, make_loss(graph, few))
        order = removal_order(ctx, CRITERIA["taylor1"], "single")
        curves = surfaces(graph, few, order)
        maps = activation_maps(graph, few)
    content = {
        "schema": 1,
        "model": _model(prepared),
        **found.to_json(),
        "kept_whole": kept,
        "surfaces": [asdict(s) for s in curves],
        "activation_maps": [asdict(m) for m in maps],
    }
    page = analysis_page(prepared.path.name, found, kept, curves, maps)
    write_result(options, "analysis", content, page, {"neurons.csv": found.to_csv()})
    return content


def sweep_model(
    options: BuildOptions,
    *,
    levels: Sequence[float],
    of: str,
    criteria: Sequence[str],
    seeds: Sequence[int],
    journal: Path | None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Accuracy against size, several levels, several seeds.

    Args:
        options: model, data, schedule, dtype, jobs; ``out`` receives sweep.json and sweep.html.
        levels: shares of the channels to remove, or bytes of parameters.
        of: "share" or "bytes".
        criteria: which are compared.
        seeds: one run each.
        journal: remembers finished runs; None: nothing is remembered.
        progress: told run by run.
    """
    refuse_unknown("--dtype", (options.dtype,), ("auto", *BITS))
    refuse_unknown("--criterion", criteria, ("obs", *CRITERIA))
    if options.ram is not None or options.target != BuildOptions.target:
        idle = "--target" if options.ram is None else "--ram"
        raise EdgePruneError(idle, "does nothing without --pareto", "add --pareto")
    check_writable(options.out, force=options.force)
    progress("load", 0, 0)
    prepared = prepare(options)
    if not removable(coupling := couple(prepared.float_graph)).any():
        why = kept_words(kept_whole(prepared.float_graph, coupling))
        raise EdgePruneError(str(prepared.path), f"has no channel that can go: {why}")
    width = BITS["int8" if options.dtype == "auto" else options.dtype]
    limits = [v / width for v in levels] if of == "bytes" else list(levels)
    data = prepared.rank.joined(prepared.validation)
    found: Sweep = sweep(
        prepared.float_graph,
        data,
        prepared.report,
        levels=limits,
        of="params" if of == "bytes" else "share",
        criteria=criteria,
        schedule=options.schedule,
        seeds=seeds,
        jobs=options.jobs,
        journal=journal,
        progress=progress,
    )
    content = {"schema": 1, "model": _model(prepared), **found.to_json()}
    write_result(options, "sweep", content, sweep_page(prepared.path.name, found), {})
    return content


def extract_model(
    options: BuildOptions, *, floor: float | None = None, progress: Progress = silent
) -> dict[str, Any]:
    """Sub-networks of labels: one each, and integrated one after the other.

    Args:
        options: model, data with labels, ``classes`` (None: all), ``zeta``; ``out`` receives
            extract.json and extract.html.
        floor: search the largest zeta that keeps this balanced accuracy of the detector on
            validation samples, in place of ``options.zeta``.
        progress: told label by label.
    """
    check_writable(options.out, force=options.force)
    progress("load", 0, 0)
    prepared = prepare(_whole(options))
    graph, data, test = prepared.float_graph, prepared.rank, prepared.report
    for samples in (data, test):
        labels_of(samples)
    activity = label_activity(graph, data)
    known = len(activity.activity)
    labels = options.classes if options.classes is not None else tuple(range(known))
    rows = []
    for i, label in enumerate(labels):
        if floor is None:
            subnet = extract(graph, activity, [label], zeta=options.zeta)
        else:

            def balanced(part: Graph, label: int = label) -> float:
                found = detector(part, data, [label])
                return detections(found, prepared.validation)[0].balanced_accuracy

            subnet = search_zeta(graph, activity, [label], balanced, floor)
        rows.append(
            {
                "label": label,
                "zeta": subnet.zeta,
                "neurons": sum(subnet.kept.values()),
                "kept": dict(subnet.kept),
                "parameters": subnet.parameters,
                "classifier": _shares(recognised(subnet.graph, test, label)),
                "detector": _shares(detections(detector(subnet.graph, data, [label]), test)[0]),
            }
        )
        progress("extract", i + 1, len(labels))
    union = []
    for i in range(len(labels)):
        part = extract(graph, activity, labels[: i + 1], zeta=options.zeta)
        union.append(
            {
                "labels": list(labels[: i + 1]),
                "neurons": sum(part.kept.values()),
                "parameters": part.parameters,
                "accuracy": prepared.truth.right(predict(part.graph, test.x)),
            }
        )
    content = {"schema": 1, "model": _model(prepared), "labels": rows, "cumulative": union}
    write_result(options, "extract", content, extract_page(prepared.path.name, content), {})
    return content


def _whole(options: BuildOptions) -> BuildOptions:
    from dataclasses import replace

    return replace(options, classes=None)


def _shares(found: Detection) -> dict[str, float]:
    return {
        "recall": found.recall,
        "specificity": found.specificity,
        "balanced_accuracy": found.balanced_accuracy,
    }


def _model(prepared: Prepared) -> dict[str, object]:
    return {"path": prepared.path.name, "sha256": prepared.sha256}
