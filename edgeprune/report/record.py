"""All numbers of a build as one record: what report.json holds and every other report shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune import __version__
from edgeprune.compiler import Compiled, Footprint
from edgeprune.compiler.measure import MEASURED
from edgeprune.emit.to_c import file_name
from edgeprune.emit.to_c.feed import feed_of
from edgeprune.emit.to_c.model import layer_prefixes
from edgeprune.ir import Array, Graph, Node
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.lossless import Report
from edgeprune.quantize.dynamic import stored
from edgeprune.quantize.noise import noisiest
from edgeprune.report.interface import interface_of
from edgeprune.target import Target
from edgeprune.verify.agreement import Agreement
from edgeprune.verify.run_target import TargetRun
from edgeprune.verify.source import Distance

TIME = ("cycles", "cycles_error", "clock_hz", "ms", "flash_stalls")  # of a run
MOST_CLASSES = 40  # of a confusion matrix that people can read
# Where flash goes that no single layer causes.
ENTRY, SHARED, REST = "(entry point)", "(shared by layers)", "(C library, padding)"


@dataclass(frozen=True)
class Pruning:
    """What was removed, and what of the rest could have been.

    Attributes:
        criterion: what ranked the channels.
        schedule: how they were removed.
        removed: name and score of every channel, in the order in which they went.
        kept: name and score of the others, least important first.
    """

    criterion: str
    schedule: str
    removed: Sequence[tuple[str, float]]
    kept: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Tried:
    """A network that was compared with others.

    Attributes:
        label: what it is.
        size: its footprint.
        accuracy: on the samples that chose, 0 to 1.
    """

    label: str
    size: Footprint
    accuracy: float


def channels(graph: Graph) -> dict[str, int]:
    """Channels of every layer with weights, by the layer's name."""
    return {n.name: graph.types[n.output].shape[-1] for n in graph.nodes if n.op.weights}


def build_record(
    *,
    command: str,
    seed: int,
    path: Path,
    sha256: str,
    source: Graph,
    pruned: Graph,
    compiled: Compiled,
    size: Footprint,
    before: Footprint | None,
    target: Target,
    budget: int | None,
    ram: int | None,
    accuracy: dict[str, Any],
    agreement: Agreement,
    default: Mapping[str, Any],
    distance: Distance,
    mismatches: int | None,
    run: TargetRun | None,
    free: Report,
    pruning: Pruning | None,
    tried: Sequence[Tried],
    classes: dict[str, Any] | None,
    snr: Mapping[str, float],
    visited: Sequence[Mapping[str, Any]] = (),
    examples: Sequence[Mapping[str, Any]] = (),
    mean: str | None = None,
    further: Mapping[str, int] | None = None,
    labels: Sequence[str] = (),
    kept_whole: Mapping[str, str],
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The record of a build; a figure that was not measured is None.

    Args:
        command: the command line.
        seed: of the build.
        path: the source model's file.
        sha256: its hash.
        source: the source model.
        pruned: the float network that is emitted.
        compiled: the network as emitted.
        size: its footprint.
        before: the footprint of the source model at the same element type; None: not measured.
        target: what it was built for.
        budget: bytes of flash that were allowed.
        ram: bytes of RAM that were allowed.
        accuracy: see the contract.
        agreement: of C, TFLite and ONNX.
        default: the rows of it about LiteRT's default kernels.
        distance: to the source model.
        mismatches: outputs on the emulated core that differ from the host's.
        run: on the emulated core.
        free: what was folded away without any loss.
        pruning: what was removed; None: nothing was asked for.
        tried: the networks that were compared, the one that is built among them.
        classes: from :func:`class_table`; None where there are no labels.
        snr: by layer, signal to quantisation noise in decibels.
        labels: names of the classes.
        visited: the networks that the search passed through, from :func:`pipeline.visited`.
        examples: samples with their answers, from :func:`report.examples.examples`.
        mean: picture of the mean sample.
        further: bytes of the files that are written when asked for ("ort", "tflm").
        kept_whole: by layer of which no channel can go, why.
        notes: what was taken for granted.
    """
    g = compiled.graph
    macs = g.macs
    instructions = run.instructions if run is not None else None
    tools = target.toolchain
    fits = Limits.of(flash=budget, ram=ram).hold(size.taken)
    return {
        "schema": 1,
        "edgeprune": __version__,
        "command": command,
        "seed": seed,
        "model": {
            "path": path.name,
            "sha256": sha256,
            "macs": source.macs,
            "params": source.params,
        },
        "target": {
            "name": target.name,
            "toolchain": size.size.toolchain if size.size is not None else None,
            "title": target.title,
            "kind": target.kind,
            "arduino": target.arduino or None,
            "optimize": compiled.recipe.optimize,
            "compiler": None if tools is None else f"{tools.prefix}gcc",
            "flags": [] if tools is None else list(tools.flags),
        },
        "budget": {"flash_bytes": budget, "ram_bytes": ram, "fits": fits},
        "size": _size(compiled, size, further or {}),
        "before": {
            "flash_bytes": before.flash_bytes if before is not None else None,
            "macs": source.macs,
            "params": source.params,
            "channels": channels(source),
        },
        "after": {"macs": macs, "params": pruned.params, "channels": channels(g)},
        "dtype": compiled.recipe.form,
        "accuracy": accuracy,
        "agreement": {
            "n": agreement.n,
            "c_vs_tflite_max_lsb": agreement.c_vs_tflite_max_lsb,
            "c_vs_tflite_mismatches": agreement.c_vs_tflite_mismatches,
            "c_vs_tflite_max_relative": agreement.c_vs_tflite_max_relative,
            "c_vs_tflite_within": agreement.c_vs_tflite_within,
            **default,
            "c_vs_onnx_max_lsb": agreement.c_vs_onnx_max_lsb,
            "c_vs_onnx_mismatches": agreement.c_vs_onnx_mismatches,
            "c_vs_ort_max_lsb": agreement.c_vs_ort_max_lsb,
            "c_vs_ort_mismatches": agreement.c_vs_ort_mismatches,
            "c_vs_tflm_max_lsb": agreement.c_vs_tflm_max_lsb,
            "c_vs_tflm_mismatches": agreement.c_vs_tflm_mismatches,
            "target_vs_host_mismatches": mismatches,
            "source": distance.record,
        },
        "run": {
            "target": target.name if run is not None else None,
            "emulator": run.emulator if run is not None else None,
            **(run.time if run is not None else dict.fromkeys(TIME)),
            "measured_on": None,
            "instructions": instructions,
            "instructions_per_mac": round(instructions / macs, 4)
            if instructions is not None and macs
            else None,
            "stack_bytes": run.stack_bytes if run is not None else None,
        },
        "labels": list(labels) or None,
        "interface": interface_of(g),
        "memory": _memory(compiled),
        "flash": _flash(compiled, size),
        "free": {
            "channels": free.channels,
            "inputs": free.inputs,
            "params_before": free.params_before,
            "params_after": free.params_after,
        },
        "pruning": None
        if pruning is None
        else {"criterion": pruning.criterion, "schedule": pruning.schedule},
        "removals": _scores(pruning.removed if pruning is not None else ()),
        "kept": _scores(pruning.kept if pruning is not None else ()),
        "kept_whole": dict(kept_whole),
        "frontier": [{"label": t.label, **_point(t)} for t in tried],
        "frontier_chosen": next((i for i, t in enumerate(tried) if t.size is size), None),
        "visited": list(visited),
        "classes": classes,
        "examples": list(examples),
        "mean_sample": mean,
        "layers": layer_rows(source, compiled, run, snr),
        "noisiest_layer": noisiest(g, snr),
        "notes": list(notes),
        "seconds": {},
    }


def class_table(truth: Array, before: Array, after: Array) -> dict[str, Any] | None:
    """Per class, how often the source model and the built one are right, and what they answer.

    Args:
        truth: labels, (n,).
        before: classes that the source model answers, (n,).
        after: classes that the built model answers, (n,).

    Returns:
        None for more than 40 classes.
    """
    count = int(max(truth.max(), before.max(), after.max())) + 1
    if count > MOST_CLASSES:
        return None
    tables = []
    for answer in (before, after):
        table = np.zeros((count, count), np.int64)
        np.add.at(table, (truth, answer), 1)
        tables.append(table)
    rows = []
    for k in range(count):
        n = int(tables[0][k].sum())
        if n:
            hits = [float(t[k, k] / n) for t in tables]
            rows.append({"label": k, "n": n, "before": hits[0], "after": hits[1]})
    return {
        "rows": rows,
        "confusion_before": tables[0].tolist(),
        "confusion_after": tables[1].tolist(),
    }


def _memory(compiled: Compiled) -> dict[str, Any]:
    """Live buffers of every step, and where each lies."""
    plan = compiled.plan
    return {
        "steps": [
            {
                "step": name,
                "live": {b.name: b.nbytes for b in plan.buffers if b.first <= i <= b.last},
            }
            for i, (name, _) in enumerate(plan.steps)
        ],
        "buffers": [
            {
                "name": b.name,
                "offset": plan.offsets[b.name],
                "bytes": b.nbytes,
                "first": b.first,
                "last": b.last,
            }
            for b in plan.buffers
        ],
        "by_rows": _by_rows(compiled),
    }


def _by_rows(compiled: Compiled) -> dict[str, Any] | None:
    """What runs by rows: what each value keeps, and what that saves and costs (estimated)."""
    span, whole = compiled.plan.span, compiled.whole
    if span is None or whole is None:
        return None
    types, feed = compiled.graph.types, feed_of(compiled.program)
    return {
        "layers": [n.name for n in span.nodes],
        "turns": len(span.turns),
        "values": [
            {
                "name": n.output,
                "rows": span.height(n.output),
                "of": types[n.output].shape[0],
                "bytes": types[n.output].nbytes // types[n.output].shape[0] * span.height(n.output),
                "whole_bytes": types[n.output].nbytes,
            }
            for n in span.nodes[:-1]
        ],
        "fed_by_rows": [v for v in compiled.graph.inputs if not compiled.plan.has_place(v)],
        "feed_bytes": None if feed is None else feed.extra_bytes,
        "arena_bytes_whole": whole.plan.arena_bytes,
        "more_work": compiled.work / whole.work - 1 if whole.work else None,
    }


def _scores(rows: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    return [{"name": name, "score": score} for name, score in rows]


def _point(tried: Tried) -> dict[str, Any]:
    return {
        "flash_bytes": tried.size.flash_bytes,
        "ram_bytes": tried.size.ram_bytes,
        "accuracy": tried.accuracy,
    }


def _flash(compiled: Compiled, size: Footprint) -> list[dict[str, Any]]:
    """Bytes by function and constant, from the linker's map, with the layer that they are for."""
    if size.size is None:
        return []
    prefixes = sorted(
        ((prefix, layer) for layer, prefix in layer_prefixes(compiled.program, MEASURED).items()),
        key=lambda row: -len(row[0]),
    )
    users: dict[str, set[str]] = {}
    for layer, call in compiled.calls.items():
        for source in (*call.sources, *call.drop_ins):
            users.setdefault(Path(file_name(source)).stem, set()).add(layer)
    rows: Counter[tuple[str, str]] = Counter()
    for c in size.size.contributions:
        own = next((row for row in prefixes if c.symbol.startswith(f"{row[0]}_")), None)
        by = users.get(Path(c.object).stem, set()) or {
            layer
            for layer, call in compiled.calls.items()
            if any(f"({c.symbol}," in link.instance for link in call.chain)
        }
        if own is not None:
            layer, name = own[1], c.symbol[len(own[0]) + 1 :]
        elif c.symbol in (f"{MEASURED}_run", f"{MEASURED}_reset"):
            layer, name = ENTRY, c.symbol.removeprefix(f"{MEASURED}_")
        elif len(by) == 1:
            layer, name = next(iter(by)), c.symbol or c.object
        else:
            layer = SHARED if by or c.object.startswith("ep_") else REST
            name = c.symbol or c.object or "padding"
        rows[layer, name] += c.bytes
    rows[REST, "padding"] += size.flash_bytes - sum(rows.values())
    return [{"layer": layer, "name": name, "bytes": n} for (layer, name), n in rows.most_common()]


def _size(compiled: Compiled, size: Footprint, further: Mapping[str, int]) -> dict[str, Any]:
    budget = compiled.recipe.target.budget
    return {
        "flash_bytes": size.flash_bytes,
        "code_bytes": size.code_bytes,
        "weight_bytes": size.weight_bytes,
        "ram_bytes": size.ram_bytes,
        "arena_bytes": size.arena_bytes,
        "state_bytes": compiled.graph.state_bytes,
        "arena_lower_bound_bytes": compiled.plan.lower_bound_bytes,
        "stack_bytes": size.stack_bytes,
        "tflite_bytes": len(compiled.tflite),
        "onnx_bytes": len(compiled.onnx) if compiled.has_onnx else None,
        "ort_bytes": further.get("ort"),
        "tflm_bytes": further.get("tflm"),
        "measured": size.measured,
        "basis": budget if size.measured else "estimated",
    }


def _by_layer(run: TargetRun | None) -> dict[str, tuple[float, int | None]]:
    """Instructions and cycles an inference, by layer, where the run was profiled.

    Layers that are turns of a loop do the same work, and each has an equal share of the loop's.
    """
    if run is None or run.profile is None:
        return {}
    n = len(run.profile.inferences)
    found: dict[str, tuple[float, int | None]] = {}
    for mark, names in run.layers.items():
        if (counts := run.profile.by_layer.get(mark)) is None:
            continue
        whole = round(counts.cycles / n)
        for i, name in enumerate(names):
            cycles = whole * (i + 1) // len(names) - whole * i // len(names)
            share = counts.instructions / n / len(names)
            found[name] = share, None if run.cycles is None else cycles
    return found


def _bits(compiled: Compiled, node: Node) -> int | None:
    """Bits of a layer's weights as they ship; None: it has none."""
    if not node.op.weights:
        return None
    if compiled.recipe.dtype == "float16":
        return 16
    if compiled.recipe.dtype == "dynamic" and stored(compiled.graph, node) is not None:
        return 8
    return compiled.graph.types_of(node)[1].bits


def layer_rows(
    source: Graph,
    compiled: Compiled,
    run: TargetRun | None,
    snr: Mapping[str, float],
) -> list[dict[str, Any]]:
    """What each layer was, is and takes, in order of execution.

    Args:
        source: the source model.
        compiled: the network as emitted.
        run: on the emulated core; None: it was not run.
        snr: by layer, signal to quantisation noise in decibels.
    """
    g, work = compiled.graph, _by_layer(run)
    before = {n.output: source.types[n.output].shape for n in source.nodes}
    before |= {v: source.types[v].shape for v in source.inputs}
    bits = {n.output: source.types_of(n)[1].bits for n in source.nodes if n.op.weights}
    made_by = {n.output: i for i, n in enumerate(g.nodes)}
    made_by |= {v: -1 - i for i, v in enumerate(g.inputs)}
    rows = []
    for node in g.nodes:
        call = compiled.calls.get(node.name)
        weights = sum(c.weight_bytes for c in call.arrays) if call else 0
        shape = g.types[node.output].shape
        # what skips inputs is new: the source had all of them there
        old = before.get(node.output) or before.get(node.inputs[0]) or shape
        instructions, cycles = work.get(node.name, (None, None))
        rows.append(
            {
                "name": node.name,
                "op": node.op.kind,
                "inputs": [made_by[v] for v in node.inputs if v in made_by],
                "macs": g.macs_of(node),
                "weight_bytes": weights,
                "bits": _bits(compiled, node),
                "bits_before": bits.get(node.output),
                "constant_bytes": 0 if call is None else call.constant_bytes,
                "channels_before": old[-1] if old else 1,
                "channels_after": shape[-1] if shape else 1,
                "shape": list(shape),
                "dtype": g.types[node.output].dtype.value,
                "kernel": None if call is None else call.function,
                "instructions": instructions,
                "cycles": cycles,
                "snr_db": snr.get(node.name),
            }
        )
    return rows
