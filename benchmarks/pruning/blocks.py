"""What bits for single rows of a layer, or a layer of low rank, would bring beside bits by layer.

    EDGEPRUNE_DATA=... python -m benchmarks.pruning.blocks [--only ic01]

Nothing is built: losses are predicted, in thousandths of a nat: half the squared change of each
result of a layer after compensated rounding, by that result's Fisher information. "two blocks": a
layer's rows are parted in two, each with bits and a table of its own, for 60 bytes of a second
call. "rows": each row has its bits, at no price. "rank": a layer may be two of lower rank, each of
which loses by rounding what the whole does, with a call and eight bytes for each row between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.pruning.common import Table, arguments, ic01, int8_bytes, kws01
from edgeprune import bundled
from edgeprune.frontends import load
from edgeprune.ir import Graph, Samples, run, tensors
from edgeprune.kernels.codes import digits_of
from edgeprune.ops import Dense
from edgeprune.ops.linear import linears
from edgeprune.ops.unfuse import unfuse
from edgeprune.pruning import obs
from edgeprune.quantize.compensate import loss
from edgeprune.quantize.levels import COUNTS
from edgeprune.quantize.moments import moments
from edgeprune.quantize.rounding import Rounder

PACKED = {255: 8.0, 16: 4.0, 8: 3.0, 4: 2.0, 3: 1.6}
DIGITS = {255: 8.0, **{n: 32 / digits_of(n) for n in COUNTS[1:]}}
"""Bits of a weight by the number of values: packed codes, or digits, which dense layers read."""
SECOND = 60
ROW = 8
"""Bytes of a second call, and of a row's scale and bias."""
PRICES = np.geomspace(1e-8, 1e-1, 300)
"""Nats a byte."""
LEAST = 1e-9
ROUNDED, LOOKED, PART = 400, 120, 20
"""Samples that layers are rounded with, that tell what a change costs, and of these at once."""
WIDER = 2.2
"""Bytes with eight bits of the digits' network, by those that it gets."""
Array = np.ndarray
End = tuple[float, float]
"""Loss in nats, and bytes."""


@dataclass(frozen=True)
class Layer:
    """Losses of its rows and bits of a weight by the number of values, and what ranks leave out."""

    rows: Mapping[int, Array]
    bits: Mapping[int, float]
    columns: int
    tail: Array

    def whole(self, count: int) -> End:
        n = len(self.rows[count]) * self.columns
        return float(self.rows[count].sum()), n * self.bits[count] / 8 + _table(count)

    def best(self, price: float) -> End:
        return min(map(self.whole, self.bits), key=_dear(price))

    def parted(self, price: float) -> End:
        """The best two blocks, or all in one where that is better."""
        found = [self.best(price)]
        for many in self.bits:
            for few in (c for c in self.bits if c < many):
                size = self.columns * (self.bits[many] - self.bits[few]) / 8
                better = self.rows[few] - self.rows[many] > price * size
                lost = float(np.where(better, self.rows[many], self.rows[few]).sum())
                taken = self.whole(few)[1] + size * int(better.sum()) + SECOND + _table(many)
                found.append((lost, taken))
        return min(found, key=_dear(price))

    def free(self, price: float) -> End:
        """Each row by itself."""
        sizes = np.array([self.columns * bits / 8 for bits in self.bits.values()])
        lost = np.stack([self.rows[count] for count in self.bits])
        at = (lost + price * sizes[:, None]).argmin(0)
        return float(np.take_along_axis(lost, at[None], 0).sum()), float(sizes[at].sum())

    def factored(self, price: float) -> End:
        """Two layers of the best rank, or one where that is better."""
        found, ends = [self.best(price)], len(self.rows[255]) + self.columns
        ranks = np.arange(1, len(self.tail))
        for count, bits in self.bits.items():
            lost = self.tail[1:] + 2 * self.whole(count)[0]
            taken = ranks * (ends * bits / 8 + ROW) + 2 * _table(count) + SECOND
            found += zip(lost.tolist(), taken.tolist(), strict=True)
        return min(found, key=_dear(price))


def _table(count: int) -> int:
    return 0 if count == 255 else count


def _dear(price: float) -> Callable[[End], float]:
    return lambda end: end[0] + price * end[1]


def layers_of(graph: Graph, x: Array, others: Array) -> dict[str, Layer]:
    """Every layer of a network, from samples that it is rounded with, and others for the rest."""
    u, rounder = unfuse(graph), Rounder(graph, x)
    fisher, weights = _fisher(u, others), tensors(u)
    made: dict[str, dict[int, Array]] = {name: {} for name in rounder.layers}
    seen, values = {}, run(u, {u.inputs[0]: torch.from_numpy(others)})
    for name, lin in rounder.layers.items():
        results = lin.results(values[lin.node.output], None)
        parts = [(slice(0, len(others)), values[lin.node.inputs[0]])]
        seen[name] = moments(lin, parts, None, results, len(others)).gram
    bits = {k: DIGITS if isinstance(v.op, Dense) else PACKED for k, v in rounder.layers.items()}
    wanted = {name: [c for c in row if c != 255] for name, row in bits.items()}
    for name, count, solved in rounder.alone(wanted):
        lin = rounder.layers[name]
        w = lin.node.inputs[1]
        before, after = (
            torch.from_numpy(lin.matrix(v).astype(np.float64))
            for v in (weights[w].numpy(), solved.changed[w])
        )
        error = loss(before, after, seen[name]).flatten().numpy()
        made[name][count] = fisher[name] * error
    found = {}
    for name, rows in made.items():
        lin = rounder.layers[name]
        matrix = torch.from_numpy(lin.matrix(weights[lin.node.inputs[1]].numpy()).astype(float))
        tail = _tail(matrix, seen[name], fisher[name])
        found[name] = Layer({255: rows[16] / 16**2, **rows}, bits[name], matrix.shape[-1], tail)
    return found


def _tail(matrix: torch.Tensor, gram: torch.Tensor, fisher: Array) -> Array:
    """What is lost with all but so many singular values; nothing is of depthwise layers."""
    if len(matrix) > 1:
        return np.zeros(1)
    power, axes = torch.linalg.eigh(gram[0])
    seen = matrix[0] @ axes * power.clamp_min(0).sqrt()
    values = torch.linalg.svdvals(torch.from_numpy(np.sqrt(fisher))[:, None] * seen).square()
    return np.append(values.numpy()[::-1].cumsum()[::-1], 0.0)


def _fisher(graph: Graph, x: Array) -> dict[str, Array]:
    """Half the mean square of the derivative at each result, for answers drawn as it answers."""
    generator = torch.Generator().manual_seed(0)
    layers = linears(graph)
    total = {name: np.zeros(1) for name in layers}
    for start in range(0, len(x), PART):
        fed = torch.from_numpy(x[start : start + PART]).requires_grad_()
        values = run(graph, {graph.inputs[0]: fed})
        said = values[graph.outputs[0]].flatten(1).clamp(LEAST, 1 - LEAST)
        if graph.producer[graph.outputs[0]].op.kind == "softmax":
            drawn = torch.multinomial(said.detach(), 1, generator=generator)
            surprise = -said.gather(1, drawn).log().sum()
        else:
            yes = torch.bernoulli(said.detach(), generator=generator)
            surprise = -(yes * said.log() + (1 - yes) * (1 - said).log()).sum()
        slopes = torch.autograd.grad(surprise, [values[v.node.output] for v in layers.values()])
        for name, slope in zip(layers, slopes, strict=True):
            total[name] = total[name] + slope.square().flatten(0, -2).sum(0).numpy() / len(x) / 2
    return total


def _lowest(price_of: Callable[[float], End], limit: float) -> float:
    """The loss at so many bytes, between those of two prices of a byte."""
    ends = sorted({price_of(price)[::-1] for price in PRICES})
    sizes, lost = np.array(ends).T
    return float(np.exp(np.interp(limit, sizes, np.log(lost))))


def main() -> None:
    args = arguments(__doc__, only="")
    columns = ["network", "bytes", "by layer", "two blocks", "rows", "rank"]
    table = Table("blocks", columns, key=2)
    for name, make in (("mnist", _digits), ("ic01", _pictures), ("kws01", _words)):
        if args.only not in name:
            continue
        for graph, x, limits in make():
            layers = list(layers_of(graph, x[:ROUNDED], x[ROUNDED:][:LOOKED]).values())
            for limit in limits:
                lost = [1000 * _lowest(way, limit) for way in _ways(layers)]
                table.row(name, limit, *lost)


def _ways(layers: Sequence[Layer]) -> list[Callable[[float], End]]:
    """All layers together at a price of a byte: by layer, two blocks, rows, rank."""
    return [
        lambda price: _added(v.best(price) for v in layers),
        lambda price: _added(v.parted(price) for v in layers),
        lambda price: _added(v.free(price) for v in layers),
        lambda price: _added(v.factored(price) for v in layers),
    ]


def _added(ends: Iterable[End]) -> End:
    lost, taken = np.array(list(ends)).sum(0)
    return float(lost), float(taken)


def _digits() -> Iterator[tuple[Graph, Array, list[int]]]:
    """The bundled network, pruned for some bytes of weights."""
    data = bundled.load_data()
    graph = load(bundled.model_path())
    samples = Samples(data.x_train, data.y_train)
    part, validation = samples.split(0.3, 0)
    search = obs.Search(graph, part, validation=validation)
    for size in (8192, 4096):
        made = search.prune(limits={"flash": WIDER * size}, cost=int8_bytes)
        yield made.graph, validation.x, [size]


def _pictures() -> Iterator[tuple[Graph, Array, list[int]]]:
    """ResNet-8, nothing pruned."""
    graph, train, _ = ic01()
    yield graph, train.x, [32768, 24576, 20480]


def _words() -> Iterator[tuple[Graph, Array, list[int]]]:
    """The keywords' network, nothing pruned, with half of its samples."""
    graph, own, _ = kws01(0)
    yield graph, own.x, [16384, 13312, 10240]


if __name__ == "__main__":
    main()
