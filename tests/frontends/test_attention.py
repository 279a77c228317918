"""Normalisation and attention of PyTorch and ONNX, as networks of existing operators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx.reference
import pytest
import torch
from onnx import helper, numpy_helper
from onnx_models import evaluate
from torch import nn
from torch.nn import functional
from torch_modules import Applied

from edgeprune.emit.to_onnx import emit as emit_onnx
from edgeprune.emit.to_tflite import emit as emit_tflite
from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.from_torch import export
from edgeprune.ir import (
    Array,
    DType,
    Graph,
    dequantise_array,
    predict,
    quantise_array,
    run,
    run_int,
)
from edgeprune.quantize import quantise
from edgeprune.verify import run_onnx, run_tflite

LENGTH, WIDTH = 6, 16


def encoder(*, norm_first: bool = False) -> nn.Module:
    return nn.TransformerEncoderLayer(
        WIDTH, 4, 32, batch_first=True, norm_first=norm_first, activation="gelu"
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "layer_norm": lambda: nn.LayerNorm(WIDTH),
    "rms_norm": lambda: nn.RMSNorm(WIDTH),
    "group_norm": lambda: nn.Sequential(nn.Linear(WIDTH, 8), nn.GroupNorm(2, LENGTH)),
    "instance_norm": lambda: nn.InstanceNorm1d(LENGTH, affine=True),
    "normalize": lambda: Applied(lambda x: functional.normalize(x, dim=-1)),
    "bmm": lambda: Applied(lambda x: torch.bmm(x, x.transpose(1, 2))),
    "linear_attention": lambda: Applied(
        lambda x: x.softmax(-1) @ (x.softmax(1).transpose(1, 2) @ x)
    ),
    "multi_head": lambda: Applied(
        lambda x, m: m(x, x, x)[0], nn.MultiheadAttention(WIDTH, 4, batch_first=True)
    ),
    "unbind": lambda: Applied(
        lambda x, m: functional.scaled_dot_product_attention(
            *m(x).reshape(-1, LENGTH, 3, 4, 4).permute(2, 0, 3, 1, 4).unbind(0)
        ),
        nn.Linear(WIDTH, 48),
    ),
    "encoder": encoder,
    "encoder_norm_first": lambda: encoder(norm_first=True),
}


@pytest.fixture(scope="module")
def samples() -> Array:
    return np.random.default_rng(3).normal(size=(40, LENGTH, WIDTH)).astype(np.float32)


def read(name: str, folder: Path) -> tuple[nn.Module, Graph]:
    torch.manual_seed(0)
    module = NETWORKS[name]().eval()
    for p in module.parameters():
        nn.init.normal_(p, std=0.4)
    return module, load(export(module, torch.zeros(1, LENGTH, WIDTH), folder / "net.pt2"))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_program_computes_what_pytorch_does(name: str, tmp_path: Path, samples: Array) -> None:
    module, graph = read(name, tmp_path)
    want = module(torch.from_numpy(samples)).detach().numpy()
    got = predict(graph, samples).reshape(want.shape)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["layer_norm", "group_norm", "multi_head"])
def test_files_of_an_int8_network_answer_as_the_reference(
    name: str, tmp_path: Path, samples: Array
) -> None:
    _, graph = read(name, tmp_path)
    values = run(graph, {graph.inputs[0]: torch.from_numpy(samples)})
    made = quantise(graph, {v: (float(t.min()), float(t.max())) for v, t in values.items()})
    given = quantise_array(samples, made.types[made.inputs[0]])
    want = run_int(made, {made.inputs[0]: given})[made.outputs[0]]
    np.testing.assert_array_equal(run_tflite.run(emit_tflite(made), given), want)
    theirs = run_onnx.run_raw(emit_onnx(made), given).astype(int)
    assert np.abs(theirs - want).max() <= 6  # a rounding that differs grows on its way


def test_an_onnx_layer_norm_gives_its_statistics_too(tmp_path: Path, samples: Array) -> None:
    x, y = (helper.make_tensor_value_info(n, 1, [1, LENGTH, WIDTH]) for n in "xy")
    mean, root = (helper.make_tensor_value_info(n, 1, [1, LENGTH, 1]) for n in ("mean", "root"))
    scale = numpy_helper.from_array(np.ones(WIDTH, np.float32), "scale")
    node = helper.make_node("LayerNormalization", ["x", "scale"], ["y", "mean", "root"])
    body = helper.make_graph([node], "norm", [x], [y, mean, root], [scale])
    onnx.save(helper.make_model(body), tmp_path / "net.onnx")
    graph = load(tmp_path / "net.onnx")
    values = run(graph, {"x": torch.from_numpy(samples)})
    found = [values[v].numpy() for v in graph.outputs]
    np.testing.assert_allclose(found[1], samples.mean(-1, keepdims=True), atol=1e-6)
    deviation = np.sqrt(samples.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(found[2], 1 / deviation, rtol=1e-5)


FUTURE = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
MASKS = {
    "minus infinity": lambda s: s + torch.zeros(LENGTH, LENGTH).masked_fill(FUTURE, -torch.inf),
    "the least float": lambda s: s + FUTURE * torch.finfo(torch.float32).min,
    "filled": lambda s: s.masked_fill(FUTURE, -torch.inf),
    "chosen": lambda s: torch.where(FUTURE, torch.tensor(-1e9), s),
    "made in the model": lambda s: s + torch.full((LENGTH, LENGTH), -torch.inf).triu(1),
}


@pytest.mark.parametrize("name", list(MASKS))
def test_masks_of_scores_are_read(tmp_path: Path, name: str) -> None:
    module = Applied(lambda x: MASKS[name](torch.bmm(x, x.transpose(1, 2))).softmax(-1) @ x)
    x = torch.randn(1, LENGTH, WIDTH, generator=torch.Generator().manual_seed(2))
    graph = load(export(module, x, tmp_path / "net.pt2"))
    found = run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    np.testing.assert_allclose(found.numpy(), module(x).numpy(), atol=1e-5)


@pytest.mark.parametrize("mask", ["filled", "chosen"])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_a_mask_does_not_widen_the_range_of_the_scores(
    tmp_path: Path, dtype: DType, mask: str
) -> None:
    module = Applied(lambda x: MASKS[mask](torch.bmm(x, x.transpose(1, 2))).softmax(-1) @ x)
    x = torch.randn(64, LENGTH, WIDTH, generator=torch.Generator().manual_seed(3))
    graph = load(export(module, x[:1], tmp_path / "net.pt2"))
    values = run(graph, {graph.inputs[0]: x})
    ranges = {v: (float(t.min()), float(t.max())) for v, t in values.items()}
    made = quantise(graph, ranges, dtype)
    (v,), (y,) = made.inputs, made.outputs
    held = run_int(made, {v: quantise_array(x.numpy(), made.types[v])})[y]
    gap = dequantise_array(held, made.types[y]) - module(x).numpy()
    assert np.abs(gap).max() < (0.25 if dtype is DType.INT8 else 0.005)
    assert np.square(gap).mean() < 1e-3 * module(x).square().mean()


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_of_onnx_is_its_products(heads: int) -> None:
    """Joined heads, keys shared by queries, a causal mask of a few keys, and a bound on scores."""
    inputs = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, LENGTH, WIDTH))]
    output = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (1, LENGTH, WIDTH))]
    w = np.random.default_rng(0).normal(size=(WIDTH, WIDTH * heads // 4)).astype(np.float32)
    given = {"q_num_heads": 4, "kv_num_heads": heads, "is_causal": 1, "softcap": 3.0,
             "left_window_size": 2}  # fmt: skip
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["k"]),
        helper.make_node("Attention", ["x", "k", "k"], ["y"], **given),
    ]
    body = helper.make_graph(nodes, "g", inputs, output, [numpy_helper.from_array(w, "w")])
    opset = [helper.make_opsetid("", 25)]
    model = helper.make_model(body, opset_imports=opset, ir_version=10)
    x = np.random.default_rng(1).normal(size=(1, LENGTH, WIDTH)).astype(np.float32)
    (wanted,) = onnx.reference.ReferenceEvaluator(model).run(None, {"x": x})
    (found,) = evaluate(loads(model.SerializeToString()), {"x": x})
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("mask", "given", "said"),
    [
        ((LENGTH, LENGTH + 1), {}, "its mask is"),
        ((LENGTH + 1, LENGTH), {}, "its mask is"),
        ((LENGTH, LENGTH), {"softcap": -1.0}, "'softcap' is -1"),
        ((LENGTH, LENGTH), {"qk_matmul_output_mode": 4}, "_mode' is 4"),
    ],
)
def test_what_attention_of_onnx_cannot_mean_is_refused_by_its_node(
    mask: tuple[int, int], given: dict[str, float], said: str
) -> None:
    value = (helper.make_tensor_value_info(v, onnx.TensorProto.FLOAT, (1, LENGTH, 4)) for v in "xy")
    node = helper.make_node(
        "Attention", ["x", "x", "x", "m"], ["y"], "node", q_num_heads=1, kv_num_heads=1, **given
    )
    held = [numpy_helper.from_array(np.zeros(mask, np.float32), "m")]
    body = helper.make_graph([node], "g", [next(value)], [next(value)], held)
    opset = [helper.make_opsetid("", 25)]
    model = helper.make_model(body, opset_imports=opset, ir_version=10)
    with pytest.raises(EdgePruneError, match="node") as e:
        loads(model.SerializeToString())
    assert said in str(e.value)
