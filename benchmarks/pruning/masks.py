"""Masks of Torch-Pruning on ResNet-8, as they are and repaired in closed form.

    pip install torch-pruning
    EDGEPRUNE_DATA=... python -m benchmarks.pruning.masks [--share 0.5] [--images 4000]

Torch-Pruning prunes the same network (batch norm folded), its ratio bisected to the share of the
parameters; ``compensate`` sees what comes out, the dense network and training images. Neither
trains. Reported on the 10,000 test images.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
import torch_pruning as tp
from torch import nn
from torch.nn import functional

from benchmarks.pruning.common import Table, accuracy, arguments, ic01, widths
from edgeprune.ir import Graph, build_graph
from edgeprune.pruning.compensate import compensate

CRITERIA = {
    "LAMP": lambda: tp.importance.LAMPImportance(),
    "L1": lambda: tp.importance.GroupMagnitudeImportance(p=1),
}
REACH = {("LAMP", 0.5): 73.0, ("L1", 0.5): 69.0}
WEIGHTED = ("conv2d", "dense")


class ResNet8(nn.Module):
    """The network of a graph, channels first, as Torch-Pruning wants it."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        arrays = [
            [torch.from_numpy(graph.constants[v].copy()) for v in n.inputs[1:]]
            for n in graph.nodes
            if n.op.kind in WEIGHTED
        ]
        layers: list[nn.Module] = []
        for w, b in arrays:
            if w.dim() == 2:
                layer: nn.Module = nn.Linear(w.shape[1], w.shape[0])
            else:
                layer = nn.Conv2d(w.shape[3], w.shape[0], w.shape[1])
                w = w.permute(0, 3, 1, 2)
            layer.weight.data, layer.bias.data = w.contiguous(), b
            layers.append(layer)
        self.layers = nn.ModuleList(layers)
        for i, layer in enumerate(self.layers[:-1]):
            layer.stride = (2, 2) if i in (3, 5, 6, 8) else (1, 1)
            layer.padding = (1, 1) if layer.kernel_size == (3, 3) and i not in (3, 6) else (0, 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        c = self.layers
        x = c[0](x).relu()
        x = (x + c[2](c[1](x).relu())).relu()
        for first, second, short in ((3, 4, 5), (6, 7, 8)):
            y = c[second](c[first](functional.pad(x, (0, 1, 0, 1))).relu())
            x = (y + c[short](x)).relu()
        return c[9](x.mean((2, 3)))

    def to_graph(self, like: Graph) -> Graph:
        """The graph with this network's weights."""
        constants = dict(like.constants)
        nodes = [n for n in like.nodes if n.op.kind in WEIGHTED]
        for node, layer in zip(nodes, self.layers, strict=True):
            w = layer.weight.detach().numpy()
            w = w.transpose(0, 2, 3, 1) if w.ndim == 4 else w
            constants[node.inputs[1]] = np.ascontiguousarray(w)
            constants[node.inputs[2]] = layer.bias.detach().numpy().copy()
        moved = [_sized(n, constants) for n in like.nodes]
        inputs = {v: like.types[v] for v in like.inputs}
        return build_graph(like.name, moved, inputs, like.outputs, constants)


def _sized(node, constants):
    """A reshape behind the mean follows the number of channels."""
    if node.op.kind != "reshape":
        return node
    from dataclasses import replace

    channels = next(v.shape[1] for v in constants.values() if v.ndim == 2)
    return replace(node, op=replace(node.op, shape=(channels,)))


def size(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def prune(dense: ResNet8, criterion: str, share: float, *, everywhere: bool) -> ResNet8:
    """The largest network of at most that share of the parameters."""
    low, high = 0.0, 0.95
    best = dense
    for _ in range(8):
        ratio = (low + high) / 2
        net = copy.deepcopy(dense)
        torch.manual_seed(0)
        tp.pruner.BasePruner(
            net,
            torch.zeros(1, 3, 32, 32),
            importance=CRITERIA[criterion](),
            global_pruning=everywhere,
            pruning_ratio=ratio,
            max_pruning_ratio=0.95,
            ignored_layers=[net.layers[9]],
        ).step()
        if size(net) <= share * size(dense):
            best, high = net, ratio
        else:
            low = ratio
    return best


def main() -> None:
    args = arguments(__doc__, share=0.5, images=4000)
    graph, train, test = ic01()
    dense = ResNet8(graph)
    table = Table(
        "masks", ["criterion", "where", "widths", "as it is %", "repaired %", "to reach"], key=2
    )
    for criterion in CRITERIA:
        for where in ("global", "local"):
            net = prune(dense, criterion, args.share, everywhere=where == "global")
            pruned = net.to_graph(graph)
            repaired = compensate(pruned, graph, train.first(args.images), seed=args.seed)
            table.row(
                criterion,
                where,
                widths(pruned),
                accuracy(pruned, test),
                accuracy(repaired, test),
                REACH.get((criterion, args.share), ""),
            )


if __name__ == "__main__":
    main()
