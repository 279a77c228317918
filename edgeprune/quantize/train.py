"""Weights on few levels, trained a little for what the source network answers.

Forward, a weight is the value of its layer that is nearest; backward, the derivative goes straight
through to what was rounded (Bengio, Leonard and Courville 2013, arXiv:1308.3432). The scale of
every row is learned with it (Esser et al. 2020, arXiv:1902.08153), as is the bias. The values
themselves stay, and so does the size but for some bytes of scales. No labels are used. With the
numbers of the values fixed too, it is what is continuous that all layers are solved for together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.adam import Adam
from edgeprune.ir import Array, Graph, flat, predict, run, tensors
from edgeprune.ops.linear import Linear, linears
from edgeprune.ops.unfuse import unfuse
from edgeprune.progress import Progress, silent
from edgeprune.quantize.levels import SMALL, Levels, borders

if TYPE_CHECKING:
    import torch

BATCH = 32
"""Samples of a step."""
WEIGHT_RATE = 0.02
"""Of Adam, falling to 0 along a cosine: for weights, times the root mean square of a layer's."""
RATE = 3e-3
"""For logarithms of scales, and for biases."""
FIXED_RATE = 5e-3
"""The same where weights stay."""
LEAST = 1e-7
"""Of a probability."""
BESIDE = 0.15
"""Weight of what else is learned, beside the answers."""

Error = Callable[[Mapping[str, "torch.Tensor"], "torch.Tensor"], "torch.Tensor"]
"""Of the values of a network, clamps unfused, for some samples."""


def train(
    graph: Graph,
    levels: Mapping[str, Levels],
    source: Graph,
    x: Array,
    *,
    epochs: float,
    fixed: bool = False,
    beside: Error | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[Graph, dict[str, Levels]]:
    """A network whose weights stay on their levels, nearer to another one's answers.

    Args:
        graph: float, with one input, its weights on the levels.
        levels: by layer.
        source: the network whose answers are learned.
        x: samples, (n, *input shape) float32.
        epochs: passes over them; may be a fraction.
        fixed: whether every weight keeps its value of the levels: scales, that the weight changes
            with, and biases alone are learned.
        beside: what else is to be small, as the distance of values inside is.
        seed: of their order.
        progress: told after every step.

    Returns:
        The network with other weights and biases, and its levels: the same values, other scales.
        Both as they were where the answers have no derivative.
    """
    import torch

    bare = graph if beside is None else unfuse(graph)
    known = linears(bare)
    layers = [_Layer.of(known[name], found, graph) for name, found in levels.items()]
    batch = min(BATCH, len(x))
    steps = round(epochs * (len(x) // batch))
    adam = Adam((group for layer in layers for group in layer.rates(fixed=fixed)), steps)
    fed, wanted = torch.from_numpy(x), torch.from_numpy(predict(source, x))
    is_distribution = source.producer[source.outputs[0]].op.kind == "softmax"
    generator = torch.Generator().manual_seed(seed)
    order = torch.zeros(0, dtype=torch.int64)
    weights, out = tensors(bare), bare.outputs[0]
    keep = None if beside else (out,)
    for step in range(steps):
        if len(order) < batch:
            order = torch.randperm(len(x), generator=generator)
        rows, order = order[:batch], order[batch:]
        now = {**weights, **{v: w for layer in layers for v, w in layer.weights().items()}}
        values = run(bare, {bare.inputs[0]: fed[rows]}, constants=now, keep=keep)
        if not values[out].requires_grad:  # as behind a comparison: nothing can be learned
            return graph, dict(levels)
        error = _distance(values[out], wanted[rows], is_distribution)
        if beside is not None:
            error = error + BESIDE * beside(values, fed[rows])
        error.backward()  # type: ignore[no-untyped-call]
        adam.step()
        progress("settle" if fixed else "finetune", step + 1, steps)
    changed = {v: w for layer in layers for v, w in layer.constants(graph).items()}
    return graph.with_constants(changed), {k: v.levels for k, v in zip(levels, layers, strict=True)}


def _distance(made: torch.Tensor, wanted: torch.Tensor, is_distribution: bool) -> torch.Tensor:
    """Kullback-Leibler divergence of answers, but for what is constant; or the squared error."""
    made, wanted = flat(made), flat(wanted)
    if is_distribution:
        return -(wanted * made.clamp_min(LEAST).log()).sum(1).mean()
    return (made - wanted).square().mean() / wanted.var().clamp_min(LEAST)


@dataclass(frozen=True)
class _Layer:
    """A layer that is trained.

    Attributes:
        lin: the layer.
        values: that its weights may take, ascending.
        table: the same, float32.
        latent: weights as multiples of their row's scale, (groups, rows, columns); rounded to the
            nearest value they are what is multiplied with.
        scale: logarithms, (groups, rows).
        bias: as the graph holds it.
        places: where in ``latent`` each weight of the graph is, in its shape.
    """

    lin: Linear
    values: tuple[int, ...]
    table: torch.Tensor
    latent: torch.Tensor
    scale: torch.Tensor
    bias: torch.Tensor
    places: torch.Tensor

    @staticmethod
    def of(lin: Linear, levels: Levels, graph: Graph) -> _Layer:
        """A layer of a graph as it stands."""
        import torch

        w, b = (graph.constants[v] for v in lin.node.inputs[1:])
        scale = levels.scale.clamp_min(SMALL)
        matrix = torch.from_numpy(np.ascontiguousarray(lin.matrix(w), np.float64))
        places = np.empty(w.size, np.int64)
        places[lin.matrix(np.arange(w.size).reshape(w.shape)).ravel()] = np.arange(w.size)
        return _Layer(
            lin,
            levels.values,
            levels.table.float(),
            (matrix / scale[..., None]).float().requires_grad_(),
            scale.log().float().requires_grad_(),
            torch.from_numpy(b.copy()).requires_grad_(),
            torch.from_numpy(places.reshape(w.shape)),
        )

    def rates(self, *, fixed: bool) -> list[tuple[list[torch.Tensor], float]]:
        """What is learned, and how fast."""
        if fixed:
            self.latent.requires_grad_(False)
            return [([self.scale, self.bias], FIXED_RATE)]
        size = float(self.latent.detach().square().mean().sqrt())
        return [([self.latent], WEIGHT_RATE * size), ([self.scale, self.bias], RATE)]

    @property
    def levels(self) -> Levels:
        """As they are by now."""
        return Levels(self.values, self.scale.detach().double().exp())

    def weights(self) -> dict[str, torch.Tensor]:
        """Weights and bias by constant, with derivatives."""
        rounded = self._rounded()
        through = self.latent + (rounded - self.latent).detach()
        scaled = through * self.scale.exp()[..., None]
        w, b = self.lin.node.inputs[1:]
        return {w: scaled.flatten()[self.places], b: self.bias}

    def constants(self, graph: Graph) -> dict[str, Array]:
        """Weights and bias as the graph holds them."""
        w, b = self.lin.node.inputs[1:]
        matrix = self._rounded().double() * self.levels.scale[..., None]
        new = self.lin.weights(matrix.numpy(), graph.constants[w])
        return {w: new, b: self.bias.detach().numpy()}

    def _rounded(self) -> torch.Tensor:
        import torch

        latent = self.latent.detach()
        return self.table[torch.bucketize(latent, borders(self.table))]
