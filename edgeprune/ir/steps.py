"""Networks that keep something from call to call: calls one after the other, from the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.ir.graph import Graph
from edgeprune.ir.rows import join_rows, split_rows
from edgeprune.ir.run import in_elements, in_reals, quantise_array, run, run_int, tensors
from edgeprune.ir.types import Array

if TYPE_CHECKING:
    import torch


def explicit(graph: Graph) -> Graph:
    """The same network with its states as inputs and outputs like any others: one call of it."""
    ports = {v: replace(p, feeds="", initial=()) for v, p in graph.ports.items()}
    return replace(graph, ports=ports) if graph.states else graph


def initial_value(graph: Graph, value: str) -> Array:
    """What a state is in the first call, in its own type and shape."""
    t, port = graph.types[value], graph.ports.get(value)
    known = port.initial if port is not None else ()
    real = np.asarray(known, np.float32) if known else np.zeros(t.size, np.float32)
    return (real if t.quant is None else quantise_array(real, t)).reshape(t.shape)


def run_steps(graph: Graph, x: Sequence[Array]) -> dict[str, Array]:
    """Calls one after the other, from the first; each sees the states that the last one left.

    Args:
        graph: float or quantised.
        x: for each argument its values, (n, *shape), in its own elements.

    Returns:
        What every input and output was in each call, by name, (n, *shape).
    """
    kept = {v: initial_value(graph, v)[None] for v in graph.states}
    seen: dict[str, list[Array]] = {v: [] for v in (*graph.inputs, *graph.outputs)}
    weights = None if graph.is_quantised else tensors(graph)
    for i in range(len(x[0])):
        given = {v: a[i : i + 1] for v, a in zip(graph.arguments, x, strict=True)}
        feed = {**given, **kept}
        if weights is None:
            values: Mapping[str, Array] = run_int(graph, feed)
        else:
            values = _real(graph, feed, weights)
        for v, rows in seen.items():
            rows.append(values[v])
        kept = {v: values[after] for v, after in graph.states.items()}
    return {v: np.concatenate(rows) for v, rows in seen.items()}


def _real(
    graph: Graph, feed: Mapping[str, Array], weights: Mapping[str, torch.Tensor]
) -> dict[str, Array]:
    """One call of a float network."""
    import torch

    ends = (*graph.inputs, *graph.outputs)
    given = {v: torch.from_numpy(np.require(a, np.float32, ["C", "W"])) for v, a in feed.items()}
    with torch.inference_mode():
        made = run(graph, given, constants=weights, keep=ends)
        return {v: made[v].numpy() for v in ends}


def step_rows(graph: Graph, x: Array) -> tuple[Array, Array]:
    """Calls one after the other, from the first: what each took, states and all, and answered.

    Args:
        graph: float or quantised.
        x: rows of its arguments, real values, in the order of the calls.

    Returns:
        Rows of all inputs, which are samples of :func:`explicit`, and rows of the results; real
        values, float32.
    """
    types = [graph.types[v] for v in graph.arguments]
    parts = [in_elements(p, t) for p, t in zip(split_rows(x, types), types, strict=True)]
    found = run_steps(graph, parts)
    sides = (graph.inputs, graph.results)
    ends = [join_rows([in_reals(found[v], graph.types[v]) for v in side]) for side in sides]
    return ends[0], ends[1]
