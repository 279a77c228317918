"""Truth values stay such wherever they are moved, and logic takes numbers for truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx.reference
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_models import evaluate
from torch import nn
from torch.nn import functional
from torch_modules import Applied

from edgeprune.errors import UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.from_torch import export
from edgeprune.ops import Compare
from edgeprune.ops.compare import Test

T = torch.Tensor
HEADS = (1, 2, 5, 4)
MASKS: dict[str, Callable[[T], T]] = {
    "reshaped": lambda x: (x[..., 0] > -0.7).reshape(1, 2, 1, 5),
    "given an axis": lambda x: (x[..., 0] > -0.7).unsqueeze(-2),
    "expanded": lambda x: (x[..., :1] > -0.7).mT.expand(-1, 2, 5, 5),
    "repeated": lambda x: (x[:, :1, :, :1] > -0.7).repeat(1, 2, 1, 5).mT,
    "sliced": lambda x: (x[..., :3] > -0.7)[..., :1].mT,
    "joined": lambda x: torch.cat([x[..., :2] > -0.7, x[..., 2:] > 0, x[..., :1] > 9], -1),
    "chosen": lambda x: torch.where(torch.arange(5) > 2, x[..., :1].mT > -0.7, x[..., 1:2].mT > 0),
    "made numbers": lambda x: (x[..., :1].mT > -0.7).float(),
}


def check(function: Callable[[T], T], shape: tuple[int, ...], path: Path) -> None:
    """That a function is read as what PyTorch computes."""
    module, x = Applied(function), torch.randn(shape, generator=torch.Generator().manual_seed(0))
    graph = load(export(module, x, path))
    (found,) = evaluate(graph, {graph.ports[graph.inputs[0]].name: x.numpy()})
    wanted = module(x).numpy()
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", list(MASKS))
def test_a_mask_that_was_moved_masks_and_one_made_numbers_is_added(
    tmp_path: Path, name: str
) -> None:
    def attend(x: T) -> T:
        return functional.scaled_dot_product_attention(x, x, x, attn_mask=MASKS[name](x))

    check(attend, HEADS, tmp_path / "net.pt2")


LOGIC: dict[str, Callable[[T], T]] = {
    "and": lambda x: torch.logical_and(x, functional.relu(x)),
    "or": lambda x: torch.logical_or(functional.relu(x), functional.relu(x - 1)),
    "not": lambda x: torch.logical_not(functional.relu(x)),
    "xor": lambda x: torch.logical_xor(functional.relu(x), functional.relu(x - 1)),
    "sum": lambda x: (x > 0) + (x < 1),
    "sum with a constant": lambda x: (x > 0) + (torch.arange(8) > 3),
}


@pytest.mark.parametrize("name", list(LOGIC))
def test_logic_takes_any_number_but_0_for_truth(tmp_path: Path, name: str) -> None:
    check(lambda x: LOGIC[name](x).float() + 0.5, (1, 8), tmp_path / "net.pt2")


@pytest.mark.parametrize("to", [None, TensorProto.FLOAT])
def test_attention_of_onnx_masks_by_moved_truth_and_adds_numbers(to: int | None) -> None:
    made = "moved" if to else "m"
    nodes = [
        helper.make_node("Greater", ["x", "bound"], ["c"]),
        helper.make_node("Transpose", ["c"], [made], perm=[0, 1, 3, 2]),
        *([helper.make_node("Cast", ["moved"], ["m"], to=to)] if to else []),
        helper.make_node("Attention", ["x", "x", "x", "m"], ["y"]),
    ]
    f = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", f, (1, 1, 4, 4))],
        [helper.make_tensor_value_info("y", f, (1, 1, 4, 4))],
        [numpy_helper.from_array(np.float32(0), "bound")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    x = np.random.default_rng(0).normal(size=(1, 1, 4, 4)).astype(np.float32)
    (wanted,) = onnx.reference.ReferenceEvaluator(model).run(None, {"x": x})
    (found,) = evaluate(loads(model.SerializeToString()), {"x": x})
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("test", ["<", "<=", "==", "!=", ">=", ">"])
def test_nothing_but_a_difference_passes_of_nan(test: Test) -> None:
    x = torch.tensor([torch.nan, -torch.inf, -1.0, 0.0, 1.0, torch.inf])
    wanted = {"<": x < 0, "<=": x <= 0, "==": x == 0, "!=": x != 0, ">=": x >= 0, ">": x > 0}
    assert torch.equal(Compare(test).evaluate(x), wanted[test].float())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x == torch.inf).float(),
        lambda x: x.masked_fill(x > 0, torch.inf).amin(1),
        lambda x: x.masked_fill(torch.arange(8) > 3, torch.inf).amin(1),
    ],
    ids=["compared", "filled where values say", "filled"],
)
def test_infinity_is_refused_by_its_node(tmp_path: Path, function: Callable[[T], T]) -> None:
    path = export(Applied(function), torch.ones(1, 8), tmp_path / "net.pt2")
    with pytest.raises(UnsupportedError, match="infinity") as e:
        load(path)
    assert "checkpoint" not in str(e.value)


def test_a_slice_may_start_from_the_end(tmp_path: Path) -> None:
    check(lambda x: x.narrow(1, -2, 2), (1, 8), tmp_path / "net.pt2")


def test_results_that_are_none_are_left_out(tmp_path: Path) -> None:
    module = nn.MultiheadAttention(4, 2, batch_first=True).eval()

    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, x: T) -> tuple[T, None]:
            return self.module(x, x, x, need_weights=False)[0], None

    x = torch.randn(1, 5, 4, generator=torch.Generator().manual_seed(0))
    graph = load(export(Attends(), x, tmp_path / "net.pt2"))
    (found,) = evaluate(graph, {graph.ports[graph.inputs[0]].name: x.numpy()})
    wanted = module(x, x, x)[0].detach().numpy()
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-4, atol=1e-5)
