"""A network behind a front end of sound: it is pruned alone, on the features that samples make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.frontends.heard import Front
from edgeprune.frontends.normalize import unfuse
from edgeprune.frontends.ports import join_ports
from edgeprune.ir import (
    Graph,
    Samples,
    explicit,
    in_elements,
    in_reals,
    join_rows,
    run_int,
    split_rows,
)
from edgeprune.pipeline.prepare import Prepared
from edgeprune.pruning.lossless import fold
from edgeprune.quantize import dequantise

BATCH = 64


def alone(prepared: Prepared) -> Prepared | None:
    """The network behind a front end as a model of its own; None where there is no front end.

    Its samples are what the front end makes of those of sound, and its integers there stay what
    they are, as the front end makes those. Networks are measured with the front end before them.
    """
    network, front = prepared.behind, prepared.front
    if network is None or front is None:
        return None
    graph, free = fold(network)
    argument = network.types[network.arguments[0]]
    assert argument.quant is not None
    scale, zero = argument.quant.scalar
    ends = (scale * (-128 - zero), scale * (127 - zero))
    rank = _features(network, front, prepared.rank)
    return replace(
        prepared,
        graph=graph,
        float_graph=join_ports(unfuse(dequantise(graph))),
        rank=rank,
        validation=_features(network, front, prepared.validation),
        learned=rank,
        free=free,
        behind=None,
        ends={network.arguments[0]: ends},
        _observed=[],
    )


def _features(network: Graph, front: Front, samples: Samples) -> Samples:
    """What the network takes in each call, states and all.

    Args:
        network: alone.
        front: what stands before it.
        samples: what the two of them take in it, states and all.
    """
    whole, inner = explicit(front.before(network)), explicit(network)
    types = [whole.types[v] for v in whole.inputs]
    made = []
    for start in range(0, len(samples), BATCH):
        parts = split_rows(samples.x[start : start + BATCH], types)
        given = zip(whole.inputs, parts, types, strict=True)
        values = run_int(whole, {v: in_elements(p, t) for v, p, t in given})
        made.append(join_rows([in_reals(values[v], inner.types[v]) for v in inner.inputs]))
    return samples.like(np.concatenate(made).astype(np.float32))
