"""Every way to quantise a network: the C gives what LiteRT's reference kernels give, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprune import bundled
from edgeprune.compiler import Recipe
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import (
    DType,
    Graph,
    Node,
    TensorType,
    build_graph,
    dequantise_array,
    predict,
    quantise_array,
    run_int,
)
from edgeprune.ops import Div
from edgeprune.quantize import Settings, four_bit_layers, observe, quantise
from edgeprune.target import load_target
from edgeprune.verify import run_tflite
from edgeprune.verify.run_c import HostModel

WEIGHTS = {"int8": DType.INT8, "int16x8": DType.INT8, "int4": DType.INT4}


@pytest.fixture(scope="module", params=["dense", "cnn"])
def network(request: pytest.FixtureRequest) -> tuple[Graph, np.ndarray]:
    """The bundled network, and a small CNN with a softmax; with samples."""
    x = bundled.load_data().x_train[:200]
    if request.param == "dense":
        return load(bundled.model_path()), x
    path = Path(__file__).parents[1] / "data" / "mnist_cnn" / "mnist_cnn.onnx"
    return load(path), x.reshape(-1, 28, 28, 1)


@pytest.mark.parametrize("dtype", WEIGHTS)
def test_c_and_litert_agree_on_every_output(
    network: tuple[Graph, np.ndarray], dtype: str, tmp_path: Path
) -> None:
    graph, x = network
    how = Settings(
        "percentile",
        corrects_bias=True,
        four_bit=four_bit_layers(graph) if dtype == "int4" else frozenset(),
    )
    recipe = Recipe(load_target("cortex-m4"), dtype, "size", observe(fuse(graph), x), how)
    compiled = recipe.compile(graph)
    q = compiled.graph
    layer = next(n for n in q.nodes if n.name in four_bit_layers(q))
    assert q.types[layer.inputs[1]].dtype is WEIGHTS[dtype]
    t = q.types[q.inputs[0]]
    assert t.dtype is (DType.INT16 if dtype == "int16x8" else DType.INT8)
    fed = quantise_array(x[:60], t)
    compiled.portable.write_c(tmp_path, "model")
    with HostModel(tmp_path, optimize="-O1") as model:
        ours = model.run(fed)
    np.testing.assert_array_equal(ours, run_tflite.run(compiled.tflite, fed))
    said = dequantise_array(ours, q.types[q.outputs[0]])
    worst = {"int8": 0.03, "int16x8": 0.002, "int4": 0.2}[dtype]
    assert np.abs(said - predict(graph, x[:60])).mean() < worst


@pytest.mark.needs("EDGEPRUNE_DATA")
def test_ad01_is_closer_to_the_float_network_than_the_published_file(data_dir: Path) -> None:
    """On noise that the float network itself has made plausible."""
    graph, published = (load(data_dir / f"mlperf_tiny/ad01_{k}.tflite") for k in ("fp32", "int8"))
    quant = published.types[published.inputs[0]].quant
    assert quant is not None
    scale, zero = quant.scalar
    low, high = (-128 - zero) * scale, (127 - zero) * scale
    rng = np.random.default_rng(0)
    x = rng.normal((low + high) / 2, (high - low) / 7, (400, 640))
    x = predict(graph, predict(graph, x.astype(np.float32))) + rng.normal(0, 1, x.shape)
    x = np.clip(x, low, high).astype(np.float32)
    seen = observe(fuse(graph), x[:200])
    ranges = {v: o.range("minmax", 256) for v, o in seen.items()}
    ours = quantise(fuse(graph), ranges, means={v: o.mean for v, o in seen.items()})

    def off(q: Graph) -> float:
        fed = quantise_array(x[200:], q.types[q.inputs[0]])
        y = run_int(q, {q.inputs[0]: fed})[q.outputs[0]]
        return float(((dequantise_array(y, q.types[q.outputs[0]]) - wanted) ** 2).mean())

    wanted = predict(graph, x[200:])
    assert off(ours) <= off(published)


def test_a_quotient_in_int8_is_close_to_the_real_one(rng: np.random.Generator) -> None:
    """As a product with the reciprocal, whose range is known from that of the divisor."""
    types = {"a": TensorType((40,)), "b": TensorType((40,))}
    graph = build_graph("q", [Node("q", Div(), ("a", "b"), "y")], types, ["y"], {})
    x = {"a": rng.normal(size=(5, 40)), "b": rng.uniform(0.5, 3.0, (5, 40))}
    x = {k: v.astype(np.float32) for k, v in x.items()}
    real = x["a"] / x["b"]
    ends = {k: (float(v.min()), float(v.max())) for k, v in {**x, "y": real}.items()}
    q = quantise(graph, ends)
    fed = {k: quantise_array(v, q.types[k]) for k, v in x.items()}
    got = dequantise_array(run_int(q, fed)["y"], q.types["y"])
    assert np.abs(got - real).max() < 0.04 * np.abs(real).max()
