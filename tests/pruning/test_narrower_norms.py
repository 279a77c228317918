"""A norm without some channels is torch's own norm of that width."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgeprune.frontends.from_torch import export, load
from edgeprune.ir import couple, predict
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import removable

WIDE, EPS = 8, 0.1
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "layer": lambda c: nn.LayerNorm(c, eps=EPS),
    "rms": lambda c: nn.RMSNorm(c, eps=EPS),
    "one group": lambda c: nn.GroupNorm(1, c, eps=EPS),
    "two groups": lambda c: nn.GroupNorm(2, c, eps=EPS),
}


class Stream(nn.Module):
    """Two norms on a residual stream of some width."""

    def __init__(self, width: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(4, width), nn.Linear(width, 3)
        self.inner, self.last = norm(width), norm(width)
        self.block = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        made: Tensor = self.leave(self.last(x + self.block(self.inner(x))))
        return made


def sliced(value: Tensor, stays: list[int]) -> Tensor:
    for axis, n in enumerate(value.shape):
        if n == WIDE:
            value = value.index_select(axis, torch.tensor(stays))
    return value


@pytest.mark.parametrize("kind", NORMS)
def test_a_norm_without_some_channels_is_that_of_the_narrower_module(
    kind: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    wide = Stream(WIDE, NORMS[kind]).eval()
    with torch.no_grad():
        for p in wide.parameters():
            p.copy_(torch.randn_like(p))
        for shift in (getattr(norm, "bias", None) for norm in (wide.inner, wide.last)):
            if shift is not None:
                shift[1::2] = 0  # of what goes: layers behind may have it in their bias
    x = torch.randn(9, 4)
    export(wide, x[:1], tmp_path / "wide.pt2")
    graph = load(tmp_path / "wide.pt2")
    coupling = couple(graph)
    first = next(n for n in graph.nodes if n.inputs[0] in graph.inputs)
    channels = coupling.axes[first.inputs[1], 0]
    assert removable(coupling)[channels].all()
    removed = np.zeros(coupling.count, bool)
    removed[channels[[1, 3]]] = True  # of two groups, those at the places of 5 and 7 as well
    stays = np.flatnonzero(~removed[channels]).tolist()
    narrow = Stream(len(stays), NORMS[kind]).eval()
    narrow.load_state_dict({k: sliced(v, stays) for k, v in wide.state_dict().items()})
    with torch.no_grad():
        want = narrow(x).numpy()
    got = predict(compact(graph, coupling, removed), x.numpy())
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
