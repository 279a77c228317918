"""Optional training after pruning: labels or, without them, the source model's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.adam import Adam
from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array, Graph, LinearOp, Node, Samples, tensors
from edgeprune.ops import Convolution
from edgeprune.ops.unfuse import unfuse
from edgeprune.progress import Progress, silent
from edgeprune.pruning.loss import Loss, make_loss
from edgeprune.pruning.obs.parts import Part
from edgeprune.pruning.teacher import Teacher

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes:
        rate: of Adam, falling to 0 along a cosine.
        batch: samples of a step.
        shift: images are moved by up to this many pixels, zeros coming in.
        flip: half of the images are mirrored.
        momentum: of the running statistics of batch norm.
        teaching: weight of the source model's values beside the loss.
    """

    rate: float = 2e-3
    batch: int = 64
    shift: int = 0
    flip: bool = False
    momentum: float = 0.05
    teaching: float = 0.15


MOVED = Training(shift=2, flip=True)
"""For pictures that mean the same when they are moved by some pixels or seen in a mirror."""


def finetune(
    graph: Graph,
    data: Samples,
    *,
    epochs: float,
    source: Graph | None = None,
    parts: Mapping[str, Part] | None = None,
    training: Training | None = None,
    device: str = "cpu",
    seed: int = 0,
    progress: Progress = silent,
) -> Graph:
    """Train a network for a short time.

    Batch norm is put back for the time of training, set so that nothing changes at first, and
    folded again: a folded network trains badly, as the sizes of its channels differ by what the
    folding multiplied in. It comes behind every layer that it was folded into as the model was read
    (:class:`edgeprune.ir.Folded`), whose weights become what they were; and behind every
    convolution of which that is not known, since the file had it folded already. There each row
    of weights is brought to the size of a fresh one (He et al. 2015, arXiv:1502.01852).

    Args:
        graph: float, with one input.
        data: training samples; without labels ``source`` is what is learned from.
        epochs: passes over the data; may be a fraction.
        source: the dense network.
        parts: which part of the source each layer is (:func:`parts_of`); with it, the source's
            values at the sums of residual paths and in front of the last activation are learned
            as well (:class:`Teacher`).
        training: see :class:`Training`.
        device: "cpu", "cuda" or another that torch knows.
        seed: of the order of samples and of what is done to them.
        progress: told after every step.

    Returns:
        The graph with other constants.

    Raises:
        EdgePruneError: neither labels nor a source model, or no such device.
    """
    if data.told is None and source is None:
        raise EdgePruneError("--finetune", "the data has no labels", "give the source model too")
    loss = make_loss(graph if source is None else source, data)
    loss = replace(loss, value=make_loss(graph, data.first(1)).value)
    how = training or Training()
    net = _Net(unfuse(graph), _device(device), how.momentum, data.x[: how.batch * 4])
    teacher = None
    if source is not None and parts is not None:
        teacher = Teacher(net.graph, parts, source, data.x, device)
    _train(net, data, loss, teacher, epochs, how, seed, progress)
    return graph.with_constants(net.folded())


def _device(name: str) -> torch.device:
    import torch

    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as e:
        raise EdgePruneError("--device", f"{name}: {str(e).splitlines()[0]}", "cpu") from None
    return torch.device(name)


@dataclass
class _Norm:
    """Batch norm behind a convolution: trained gain and shift, running mean and variance."""

    gain: torch.Tensor
    shift: torch.Tensor
    mean: torch.Tensor
    variance: torch.Tensor


EPSILON = 1e-3


class _Net:
    """A graph with trained constants and batch norms."""

    def __init__(
        self,
        graph: Graph,
        device: torch.device,
        momentum: float,
        x: NDArray[np.float32],
    ) -> None:
        import torch

        self.graph = graph
        self.device = device
        self.momentum = momentum
        self.weights = {k: v.clone().to(device) for k, v in tensors(graph).items()}
        trained = [
            v
            for n in graph.nodes
            for i, v in enumerate(n.inputs)
            if v in graph.constants and i in n.op.weights
        ]
        self.norms: dict[str, _Norm] = {}
        with torch.no_grad():
            self._insert(torch.from_numpy(x).to(device))
        self.parameters = [self.weights[v].requires_grad_() for v in dict.fromkeys(trained)]
        for norm in self.norms.values():
            self.parameters += [norm.gain.requires_grad_(), norm.shift.requires_grad_()]

    def run(self, x: torch.Tensor, *, training: bool) -> dict[str, torch.Tensor]:
        """All values for a batch."""
        values = {self.graph.inputs[0]: x}
        for node in self.graph.nodes:
            z = node.op.evaluate(*self._operands(node, values))
            if node.name in self.norms:
                z = self._normed(z, self.norms[node.name], training=training)
            values[node.output] = z
        return values

    def folded(self) -> dict[str, Array]:
        """All constants, batch norms folded into their convolutions."""
        found = {k: v.detach().cpu().numpy() for k, v in self.weights.items()}
        for name, norm in self.norms.items():
            node = self.graph.node(name)
            factor = (norm.gain / (norm.variance + EPSILON).sqrt()).detach().cpu().numpy()
            shift = norm.shift - norm.mean * (norm.gain / (norm.variance + EPSILON).sqrt())
            w, b = node.inputs[1:]
            found[w] = found[w] * self._by_row(node, factor)
            found[b] = found[b] * factor + shift.detach().cpu().numpy()
        return {k: np.ascontiguousarray(v, self.graph.constants[k].dtype) for k, v in found.items()}

    def _operands(self, node: Node, values: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        return [
            (self.weights[v] if i in node.op.weights else self.weights[v][None])
            if v in self.weights
            else values[v]
            for i, v in enumerate(node.inputs)
        ]

    def _normed(self, z: torch.Tensor, norm: _Norm, *, training: bool) -> torch.Tensor:
        from torch.nn.functional import batch_norm

        y = batch_norm(
            z.movedim(-1, 1),
            norm.mean,
            norm.variance,
            norm.gain,
            norm.shift,
            training=training,
            momentum=self.momentum,
            eps=EPSILON,
        )
        return y.movedim(1, -1)

    def _insert(self, x: torch.Tensor) -> None:
        """Batch norms that change nothing, in execution order."""
        import torch

        values = {self.graph.inputs[0]: x}
        for node in self.graph.nodes:
            norm = None
            if self._is_normed(node):
                scale = self._unfold(node)
                z = node.op.evaluate(*self._operands(node, values))
                axes = tuple(range(z.dim() - 1))
                mean, variance = z.mean(dim=axes), z.var(dim=axes, unbiased=False)
                # gain and shift undo the normalisation, and give the scale back
                norm = _Norm(scale * (variance + EPSILON).sqrt(), scale * mean, mean, variance)
                self.norms[node.name] = norm
            z = node.op.evaluate(*self._operands(node, values))
            values[node.output] = z if norm is None else self._normed(z, norm, training=False)
        assert all(torch.isfinite(v).all() for v in values.values())

    def _is_own(self, node: Node) -> bool:
        return all(len(self.graph.users[v]) == 1 for v in node.inputs[1:])

    def _is_normed(self, node: Node) -> bool:
        """Whether there was batch norm behind a layer, or may have been."""
        if not isinstance(node.op, LinearOp) or not self._is_own(node):
            return False
        known = self.graph.types[node.inputs[1]].folded is not None
        return known or isinstance(node.op, Convolution)

    def _unfold(self, node: Node) -> torch.Tensor:
        """Take the scale out of a layer's weights and bias; what was taken out."""
        import torch

        w, b = node.inputs[1:]
        folded = self.graph.types[w].folded
        if folded is not None:
            scale = np.asarray(folded.factor, np.float32)
        else:
            weights = self.graph.constants[w]
            assert isinstance(node.op, LinearOp)
            axes = tuple(a for a in range(weights.ndim) if a != node.op.out_axis)
            fan_in = int(np.prod([weights.shape[a] for a in axes]))
            scale = np.sqrt(np.square(weights).mean(axis=axes) * fan_in / 2)
        scale = np.where(np.abs(scale) < 1e-3, np.float32(1e-3), scale)
        factor = torch.from_numpy(self._by_row(node, scale)).to(self.device)
        own = torch.from_numpy(np.ascontiguousarray(scale, np.float32)).to(self.device)
        self.weights[w] = self.weights[w] / factor
        self.weights[b] = self.weights[b] / own
        return own

    def _by_row(self, node: Node, factor: NDArray[np.float32]) -> NDArray[np.float32]:
        """Factors by result in the shape that a layer's weights are multiplied with."""
        assert isinstance(node.op, LinearOp)
        return node.op.along_results(factor, len(self.graph.types[node.inputs[1]].shape))


def _train(
    net: _Net,
    data: Samples,
    loss: Loss,
    teacher: Teacher | None,
    epochs: float,
    how: Training,
    seed: int,
    progress: Progress,
) -> None:
    import torch

    generator = torch.Generator().manual_seed(seed)
    batch = min(how.batch, len(data))
    steps = round(epochs * (len(data) // batch))
    adam = Adam([(net.parameters, how.rate)], steps)
    x, targets = torch.from_numpy(data.x), torch.from_numpy(loss.targets)
    order = torch.zeros(0, dtype=torch.int64)
    for step in range(steps):
        if len(order) < batch:
            order = torch.randperm(len(data), generator=generator)
        rows, order = order[:batch], order[batch:]
        images = _moved(x[rows], how, generator).to(net.device)
        values = net.run(images, training=True)
        error = loss.per_sample(values[loss.value], targets[rows].to(net.device)).mean()
        if teacher is not None:
            error = error + how.teaching * teacher.error(values, images)
        error.backward()  # type: ignore[no-untyped-call]
        adam.step()
        progress("finetune", step + 1, steps)


def _moved(x: torch.Tensor, how: Training, generator: torch.Generator) -> torch.Tensor:
    """Images shifted and mirrored at random; anything else as it is."""
    import torch

    if x.dim() != 4:
        return x
    if how.flip:
        mirrored = torch.rand(len(x), generator=generator) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(2), x)
    if how.shift == 0:
        return x
    s, (h, w) = how.shift, x.shape[1:3]
    padded = torch.nn.functional.pad(x, (0, 0, s, s, s, s))
    dy, dx = torch.randint(0, 2 * s + 1, (2, len(x)), generator=generator)
    row = (dy[:, None] + torch.arange(h))[:, :, None]
    column = (dx[:, None] + torch.arange(w))[:, None, :]
    return padded[torch.arange(len(x))[:, None, None], row, column]
