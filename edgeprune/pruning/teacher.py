"""What a network in training is told by the one that it was pruned from.

Values inside are learned from, not only the answers (Romero et al. 2015, arXiv:1412.6550): the
sums of residual paths and what is in front of the last activation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgeprune.ir import Array, Graph, run, tensors
from edgeprune.ops.answer import answer_of
from edgeprune.ops.unfuse import unfuse
from edgeprune.pruning.obs.distance import aims
from edgeprune.pruning.obs.parts import Part

if TYPE_CHECKING:
    import torch


SEEN = 500
"""Samples that say how much the source model's values vary."""


class Teacher:
    """The source model and which of its values the pruned network has too.

    Args:
        graph: the pruned network, clamps unfused.
        parts: which part of the source model each of its layers is.
        source: the source model, float.
        x: samples, (n, *input shape) float32; the first of them say how much the values vary.
        device: that computes.
    """

    def __init__(
        self,
        graph: Graph,
        parts: Mapping[str, Part],
        source: Graph,
        x: Array,
        device: str = "cpu",
    ) -> None:
        import torch

        self._source = unfuse(source)
        self._weights = {k: v.to(device) for k, v in tensors(self._source).items()}
        result = answer_of(graph).value, answer_of(source).value
        self._aims = aims(graph, parts, self._source, result)
        said = self._said(torch.from_numpy(x[:SEEN]).to(device))
        self._scales = [1 / t.var(dim=0).sum().clamp(min=1e-12) for t in said]

    def error(self, values: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """Sum of the values' squared relative errors, a mean over samples.

        Args:
            values: of the pruned network for x.
            x: samples, (n, *input shape).
        """
        import torch

        gaps = [
            (aim.seen(values[aim.value]) - said).square().sum() * scale
            for aim, said, scale in zip(self._aims, self._said(x), self._scales, strict=True)
        ]
        return torch.stack(gaps).sum() / len(x)

    def _said(self, x: torch.Tensor) -> list[torch.Tensor]:
        import torch

        with torch.no_grad():
            values = run(self._source, {self._source.inputs[0]: x}, constants=self._weights)
            return [aim.wanted(values) for aim in self._aims]
