"""TensorFlow's own converter and our reader: random networks give the same numbers.

In float within 1e-5 of TensorFlow itself; int8 to the bit of LiteRT's reference kernels, once read
from the converter's file and once more in the C that is made of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeprune.compiler import Recipe
from edgeprune.frontends import load
from edgeprune.ir import Graph, predict, run_int
from edgeprune.target import load_target
from edgeprune.verify import run_tflite
from edgeprune.verify.run_c import HostModel

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.needs("tensorflow")

SAMPLES = 8
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
PAD = st.sampled_from(["same", "valid"])
CLAMP = st.sampled_from([None, "relu", "relu6"])


@st.composite
def networks(draw: st.DrawFn) -> tuple[tuple[int, int, int], list[tuple[str, dict[str, Any]]], int]:
    """Input shape, layers by name and arguments, seed of the weights."""
    shape = (draw(st.integers(6, 11)), draw(st.integers(6, 11)), draw(st.integers(1, 4)))
    layers: list[tuple[str, dict[str, Any]]] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "depthwise", "pool", "branch", "concat", "scale"]))
        given: dict[str, Any] = {}
        if kind in ("conv", "depthwise"):
            stride = draw(st.integers(1, 2))
            given = {
                "kernel_size": (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
                "strides": stride,
                "padding": draw(PAD),
                "activation": draw(CLAMP),
                "dilation_rate": draw(st.integers(1, 2)) if stride == 1 else 1,
            }
            name = "filters" if kind == "conv" else "depth_multiplier"
            given[name] = draw(st.integers(1, 6 if kind == "conv" else 2))
        elif kind == "pool":
            given = {"max": draw(st.booleans()), "padding": draw(PAD)}
        layers.append((kind, given))
    layers.append((draw(st.sampled_from(["flat", "mean"])), {}))
    head = {"units": draw(st.integers(1, 7)), "last": draw(st.sampled_from(HEADS))}
    layers.append(("head", head))
    return shape, layers, draw(st.integers(0, 2**31 - 1))


HEADS = ["softmax", "sigmoid", "tanh", "linear"]


def _keras(shape: tuple[int, int, int], layers: list[tuple[str, dict[str, Any]]], seed: int) -> Any:
    """The network in Keras; windows that would not fit are left out."""
    import tensorflow as tf

    k = tf.keras.layers
    tf.keras.utils.set_random_seed(seed)
    inputs = x = tf.keras.Input(shape, batch_size=1)
    for kind, options in layers:
        small = min(x.shape[1:3]) < 5 if len(x.shape) == 4 else False
        if kind in ("conv", "depthwise"):
            made = {**options, "padding": "same"} if small else options
            make = k.Conv2D if kind == "conv" else k.DepthwiseConv2D
            x = make(**made, bias_initializer="random_normal")(x)
        elif kind == "pool" and not small:
            make = k.MaxPooling2D if options["max"] else k.AveragePooling2D
            x = make(2, padding=options["padding"])(x)
        elif kind == "branch":
            x = k.ReLU()(k.Add()([x, k.Conv2D(x.shape[-1], 1)(x)]))
        elif kind == "concat":
            x = k.Concatenate()([x, k.Conv2D(2, 1, activation="relu")(x)])
        elif kind == "scale":
            x = k.BatchNormalization(
                moving_mean_initializer="random_normal", gamma_initializer="random_normal"
            )(x)
        elif kind == "flat":
            x = k.Flatten()(x)
        elif kind == "mean":
            x = k.GlobalAveragePooling2D()(x)
        elif kind == "head":
            x = k.Dense(options["units"], activation=options["last"])(x)
    return tf.keras.Model(inputs, x)


def _convert(model: Any, x: np.ndarray | None = None) -> bytes:
    """TensorFlow's .tflite of a network: float32, or int8 calibrated on samples."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if x is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([row[None]] for row in x)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def _read(content: bytes, folder: Path) -> Graph:
    path = folder / "model.tflite"
    path.write_bytes(content)
    return load(path)


@settings(max_examples=6, suppress_health_check=SLOW)
@given(networks())
def test_a_float_file_computes_what_tensorflow_does(
    tmp_path: Path, network: tuple[Any, Any, int]
) -> None:
    model = _keras(*network)
    x = np.random.default_rng(network[2]).normal(size=(SAMPLES, *network[0])).astype(np.float32)
    wanted = np.concatenate([model(row[None]).numpy() for row in x])
    graph = _read(_convert(model), tmp_path)
    np.testing.assert_allclose(predict(graph, x), wanted, rtol=1e-5, atol=1e-5)


@settings(max_examples=6, suppress_health_check=SLOW)
@given(networks())
def test_an_int8_file_computes_what_the_reference_kernels_do(
    tmp_path: Path, network: tuple[Any, Any, int]
) -> None:
    rng = np.random.default_rng(network[2])
    x = rng.normal(size=(16, *network[0])).astype(np.float32)
    content = _convert(_keras(*network), x)
    graph = _read(content, tmp_path)
    q = rng.integers(-128, 127, (SAMPLES, *network[0]), np.int8, endpoint=True)
    wanted = run_tflite.run(content, q, threads=1)
    np.testing.assert_array_equal(run_int(graph, {graph.inputs[0]: q})[graph.outputs[0]], wanted)
    compiled = Recipe(load_target("cortex-m4"), "int8", "size", {}).compile(graph).portable
    folder = tmp_path / "c"
    compiled.write_c(folder, "model")
    with HostModel(folder, optimize="-O1") as c:
        np.testing.assert_array_equal(c.run(q), wanted)


def test_a_converted_network_whose_batch_is_free_has_its_shapes_computed(tmp_path: Path) -> None:
    import tensorflow as tf

    layers = tf.keras.layers
    given = x = layers.Input((6, 3))
    x = layers.Conv1DTranspose(4, 3, strides=2, padding="same")(x)
    x = layers.UpSampling1D(2)(x)
    net = tf.keras.Model(given, layers.Conv1D(2, 3)(x))
    (tmp_path / "m.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(net).convert())
    rows = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)
    answers = predict(load(tmp_path / "m.tflite"), rows)
    assert np.allclose(answers, net.predict(rows, verbose=0), rtol=1e-5, atol=1e-5)


def test_a_layer_on_a_sequence_whose_batch_is_free_is_read_as_from_keras(tmp_path: Path) -> None:
    import tensorflow as tf

    layers = tf.keras.layers
    given = x = layers.Input((6, 3))
    x = layers.Dense(4, activation="relu")(x)
    x = layers.Dense(5, activation="gelu")(layers.MultiHeadAttention(2, 4)(x, x))
    net = tf.keras.Model(given, x)
    rows = np.random.default_rng(0).normal(size=(16, 6, 3)).astype(np.float32)
    graph = _read(_convert(net), tmp_path)
    np.testing.assert_allclose(predict(graph, rows), net(rows).numpy(), rtol=1e-5, atol=1e-5)
    content = _convert(net, rows)
    graph = _read(content, tmp_path)
    q = np.random.default_rng(1).integers(-128, 127, (8, 6, 3), np.int8, endpoint=True)
    wanted = run_tflite.run(content, q, threads=1)
    np.testing.assert_array_equal(run_int(graph, {graph.inputs[0]: q})[graph.outputs[0]], wanted)
