"""How much of each layer's signal quantisation leaves."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array, Graph, dequantise_array, fed, run, run_int, split_rows


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
    import torch

    if not quantised.is_quantised or graph.is_quantised:
        return {}
    with torch.inference_mode():
        real = run(graph, {graph.inputs[0]: torch.from_numpy(np.ascontiguousarray(x))})
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
