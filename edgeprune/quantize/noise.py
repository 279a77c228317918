"""How much of each layer's signal quantisation leaves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeprune.ir import Array, Graph, dequantise_array, explicit, fed, run, run_int, split_rows


def signal_to_noise(graph: Graph, quantised: Graph, x: Array) -> dict[str, float]:
    """Signal to quantisation noise of every layer, in decibels.

    10 log10(sum y^2 / sum (y - q)^2) over the samples, y the float layer's output and q the
    quantised one's real values; errors of the layers before it are part of the noise.

    Args:
        graph: float32.
        quantised: the same network in integers.
        x: float32 rows.

    Returns:
        By layer name; empty where nothing is quantised, or a layer has no integer form.
    """
    if not quantised.is_quantised or graph.is_quantised:
        return {}
    import torch

    with torch.inference_mode():
        real = run(graph, {graph.inputs[0]: torch.from_numpy(np.ascontiguousarray(x))})
    quantised = explicit(quantised)
    types = [quantised.types[v] for v in quantised.inputs]
    parts = split_rows(fed(quantised, x), types)
    whole = run_int(quantised, dict(zip(quantised.inputs, parts, strict=True)))
    found = {}
    for node in quantised.nodes:
        if node.output not in real or quantised.types[node.output].quant is None:
            continue
        y = real[node.output].numpy().astype(np.float64)
        q = dequantise_array(whole[node.output], quantised.types[node.output])
        noise = float(((y - q) ** 2).sum())
        signal = float((y**2).sum())
        if noise > 0 and signal > 0:
            found[node.name] = round(10 * float(np.log10(signal / noise)), 2)
    return found


def noisiest(graph: Graph, decibels: Mapping[str, float]) -> str | None:
    """The layer to blame: the one that adds most noise to what it reads, relative to its signal.

    Args:
        graph: the quantised network.
        decibels: what :func:`signal_to_noise` gave for it.
    """
    share = {n.output: 10 ** (-decibels[n.name] / 10) for n in graph.nodes if n.name in decibels}
    added = {
        n.name: share[n.output] - max((share.get(v, 0.0) for v in n.inputs), default=0.0)
        for n in graph.nodes
        if n.output in share
    }
    return max(added, key=lambda name: added[name]) if added else None
