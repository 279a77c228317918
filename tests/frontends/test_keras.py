from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.data import load_samples
from edgeprune.frontends.ports import join_ports
from edgeprune.ir import dequantise_array, join_rows, predict


def test_without_tensorflow_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    for name in ("model.keras", "model.h5"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(EdgePruneError, match="needs TensorFlow") as e:
            load(tmp_path / name)
        assert "edgeprune[keras]" in e.value.hint


def test_a_folder_that_is_no_saved_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(EdgePruneError, match=r"without a saved_model\.pb"):
        load(tmp_path)


@pytest.mark.needs("tensorflow")
@pytest.mark.parametrize("suffix", [".keras", ".h5", ""])
def test_a_model_computes_what_keras_computes(tmp_path: Path, suffix: str) -> None:
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    layers = tf.keras.layers
    model = tf.keras.Sequential([
        tf.keras.Input((12, 10, 3)),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(3, strides=2),
        layers.ReLU(6.0),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5, activation="softmax"),
    ])  # fmt: skip
    path = tmp_path / f"model{suffix}"
    model.save(path) if suffix else model.export(path)
    graph = load(path)
    assert graph.origin == "keras"
    x = np.random.default_rng(0).normal(size=(4, 12, 10, 3)).astype(np.float32)
    np.testing.assert_allclose(predict(graph, x), model(x).numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.needs("tensorflow")
def test_what_batch_norm_multiplied_with_is_found_again(tmp_path: Path) -> None:
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    layers = tf.keras.layers
    norms = [layers.BatchNormalization(scale=i != 1) for i in range(3)]
    model = tf.keras.Sequential([
        tf.keras.Input((8, 8, 3)),
        layers.Conv2D(4, 3), norms[0], layers.ReLU(),
        layers.DepthwiseConv2D(3, depth_multiplier=2), norms[1], layers.ReLU(),
        layers.Conv2D(6, 1, activation="relu"),
        layers.Flatten(),
        layers.Dense(5), norms[2], layers.Softmax(),
    ])  # fmt: skip
    rng = np.random.default_rng(0)
    for norm in norms:
        for w in norm.weights:
            w.assign(rng.uniform(0.5, 2, w.shape))
    model.save(tmp_path / "model.keras")
    graph = load(tmp_path / "model.keras")
    known = [graph.types[n.inputs[1]].folded for n in graph.nodes if n.op.weights]
    assert [f is not None for f in known] == [True, True, False, True]
    for f, norm in zip([f for f in known if f is not None], norms, strict=True):
        gamma = 1 if norm.gamma is None else norm.gamma.numpy()
        expected = gamma / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
        np.testing.assert_allclose(f.factor, expected, rtol=1e-6)


@pytest.mark.needs("tensorflow")
def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    import tensorflow as tf

    mark, place = tmp_path / "ran", str(tmp_path / "ran")
    layer = tf.keras.layers.Lambda(lambda x: (open(place, "w").close(), x)[1])
    model = tf.keras.Sequential([tf.keras.Input((4,)), layer, tf.keras.layers.Dense(2)])
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"m{suffix}")
        mark.unlink(missing_ok=True)
        with pytest.raises(EdgePruneError, match="TensorFlow cannot read it") as refused:
            load(tmp_path / f"m{suffix}")
        assert "classes of one's own" in refused.value.hint
        assert not mark.exists()


@pytest.mark.needs("tensorflow", "EDGEPRUNE_DATA")
@pytest.mark.parametrize("name", ["ic01.h5", "ad01.h5"])
def test_real_models_compute_what_keras_computes(name: str, data_dir: Path) -> None:
    import tensorflow as tf

    path = data_dir / "mlperf_tiny" / name
    graph = load(path)
    x = np.random.default_rng(0).random((3, *graph.types[graph.inputs[0]].shape), np.float32)
    wanted = tf.keras.models.load_model(path, compile=False)(x).numpy()
    np.testing.assert_allclose(predict(graph, x), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.needs("tensorflow", "EDGEPRUNE_DATA")
def test_a_saved_model_of_an_older_keras_is_read(data_dir: Path) -> None:
    folder = data_dir / "mlperf_tiny"
    graph, whole = load(folder / "kws01_saved_model"), load(folder / "kws01_int8.tflite")
    with np.load(data_dir / "kws01.npz") as file:
        x = dequantise_array(file["x"].astype(np.int8), whole.types[whole.inputs[0]])
        accuracy = (predict(graph, x).argmax(1) == file["y"]).mean()
    assert accuracy >= 0.9


def _crossed(ins: tuple[str, str], outs: tuple[str, str]):
    """Two inputs and two outputs of equal shape: y0 = x0 - tanh(x1), y1 = 3 (x0 - tanh(x1)) x0."""
    import tensorflow as tf

    layers = tf.keras.layers
    a, b = (layers.Input((4,), name=n) for n in ins)
    d = layers.Subtract(name=outs[0])([a, layers.Activation("tanh")(b)])
    return tf.keras.Model([a, b], [d, layers.Rescaling(3, name=outs[1])(layers.Multiply()([d, a]))])


@pytest.mark.needs("tensorflow")
@pytest.mark.parametrize("suffix", [".keras", ".h5", ""])
@pytest.mark.parametrize("ins", [("image", "depth"), ("zeta", "alpha")])
def test_inputs_and_outputs_keep_the_models_order_and_names(
    tmp_path: Path, suffix: str, ins: tuple[str, str], rng: np.random.Generator
) -> None:
    """A SavedModel's signature has names, and an order of its outputs only."""
    model = _crossed(ins, ("second", "first"))
    path = tmp_path / f"model{suffix}"
    model.save(path) if suffix else model.export(path)
    graph = load(path)
    order = ins if suffix else tuple(sorted(ins))
    assert tuple(graph.ports[v].name for v in graph.inputs) == order
    said = [graph.ports[v].name for v in graph.outputs]
    assert said == (["second", "first"] if suffix else ["output_0", "output_1"])
    x = {n: rng.normal(size=(5, 4)).astype(np.float32) for n in ins}
    want = [y.numpy() for y in model([x[n] for n in ins])]
    got = predict(join_ports(graph), join_rows([x[n] for n in order]))
    np.testing.assert_allclose(got, join_rows(want), rtol=1e-5, atol=1e-6)
    np.savez(tmp_path / "named.npz", **x)
    samples = load_samples(tmp_path / "named.npz", graph)
    np.testing.assert_array_equal(samples.x, join_rows([x[n] for n in order]))


def _structures():
    """By name: what the model's inputs and outputs are structured as, and names in their order."""
    import tensorflow as tf

    k = tf.keras.layers
    b, a, image = k.Input((5,), name="b"), k.Input((5,), name="a"), k.Input((4, 4, 2), name="image")
    rows = k.Conv2D(3, 3, padding="same", name="rows")(image)
    mean = k.GlobalAveragePooling2D()(rows)
    both = k.Concatenate(name="both")([b, k.ReLU()(a), mean])
    nested = {"b": b, "more": {"image": image, "a": a}}
    shared = tf.keras.Sequential([k.Input((5,)), k.Dense(3)], name="shared")
    twice = [shared(a), shared(b), k.Subtract(name="less")([shared(a), a[:, :3]])]
    clash = [k.Input((5,), name=n) for n in ("x.1", "x-1", "y")]
    sums = [k.Add(name="o-1")(clash[:2]), k.Subtract(name="o_1")(clash[1:])]
    alone = tf.keras.Sequential([k.Input((5,), name="features"), k.Dense(2, name="scores")])
    return {
        "nested": (tf.keras.Model(nested, {"z": both, "m": rows}), ["b", "a", "image"], None),
        "ranks": (
            tf.keras.Model([image, [b, a]], [rows, both]), ["image", "b", "a"], ["rows", "both"]
        ),
        "shared": (tf.keras.Model([b, a], twice), ["b", "a"], ["shared", "shared_1", "less"]),
        "clash": (tf.keras.Model(clash, sums), ["x.1", "x-1", "y"], ["o-1", "o_1"]),
        "alone": (alone, ["features"], ["scores"]),
    }  # fmt: skip


@pytest.mark.needs("tensorflow")
@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        *((kind, ".keras") for kind in ("nested", "ranks", "shared", "clash", "alone")),
        *((kind, "") for kind in ("nested", "ranks", "shared", "alone")),
    ],
)  # TensorFlow exports no names that differ in signs alone
def test_samples_by_the_models_own_names_reach_inputs_of_any_structure(
    tmp_path: Path, kind: str, suffix: str, rng: np.random.Generator
) -> None:
    """A model's input may be called y, as labels are; Keras gives two outputs one name."""
    import tensorflow as tf

    model, names, outputs = _structures()[kind]
    path = tmp_path / f"model{suffix}"
    model.save(path) if suffix else model.export(path, verbose=False)
    x = {t.name: rng.normal(size=(5, *t.shape[1:])).astype(np.float32) for t in model.inputs}
    np.savez(tmp_path / "named.npz", **x)
    graph = load(path)
    assert [graph.said(v) for v in graph.inputs] == (names if suffix else sorted(names))
    if suffix and outputs:
        assert [graph.said(v) for v in graph.outputs] == outputs
    samples = load_samples(tmp_path / "named.npz", graph)
    given = model.inputs[0] if kind == "alone" else model.input
    answers = model(tf.nest.map_structure(lambda t: x[t.name], given))
    want = join_rows([np.asarray(y) for y in tf.nest.flatten(answers)])
    np.testing.assert_allclose(predict(join_ports(graph), samples.x), want, rtol=1e-5, atol=1e-5)
    assert samples.y is None


@pytest.mark.needs("tensorflow")
def test_a_class_of_ones_own_that_takes_a_dictionary_keeps_its_names(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    import tensorflow as tf

    class Fused(tf.keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = (tf.keras.layers.Dense(n) for n in (8, 8, 4))

        def call(self, given: Any) -> Any:
            sound, (image,) = given["sound"], given["rest"]["image"]
            h = self.a(sound) + self.b(image)
            return {"speed": self.c(h), "angle": h}

    shapes = {"sound": 5, "image": 7}
    x = {name: rng.normal(size=(5, n)).astype(np.float32) for name, n in shapes.items()}
    model = Fused()
    want = model({"sound": x["sound"], "rest": {"image": [x["image"]]}})
    model.export(tmp_path / "model", verbose=False)
    np.savez(tmp_path / "named.npz", **x)
    graph = load(tmp_path / "model")
    assert [graph.said(v) for v in graph.inputs] == ["image", "sound"]
    samples = load_samples(tmp_path / "named.npz", graph)
    by_name = join_rows([np.asarray(want[graph.said(v)]) for v in graph.outputs])
    np.testing.assert_allclose(predict(join_ports(graph), samples.x), by_name, rtol=1e-5, atol=1e-5)


@pytest.mark.needs("tensorflow")
def test_an_input_of_a_saved_model_that_nothing_reads_is_left_out_and_said(tmp_path: Path) -> None:
    import tensorflow as tf

    a, b = (tf.keras.Input((4,), name=n) for n in ("read", "unread"))
    model = tf.keras.Model([b, a], tf.keras.layers.Dense(2)(a))
    model.export(tmp_path / "model", verbose=False)
    graph = load(tmp_path / "model")
    assert [graph.said(v) for v in graph.inputs] == ["read"]
    assert any("nothing reads the input unread" in note for note in graph.notes)


@pytest.mark.needs("tensorflow")
def test_an_output_that_is_given_twice_or_is_an_input_comes_twice(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    import tensorflow as tf

    x = tf.keras.Input((4,))
    d = tf.keras.layers.Dense(2)(x)
    model = tf.keras.Model(x, [d, tf.keras.layers.ReLU()(d), x, d])
    model.save(tmp_path / "model.keras")
    graph = load(tmp_path / "model.keras")
    given = rng.normal(size=(5, 4)).astype(np.float32)
    want = join_rows([np.asarray(y) for y in model(given)])
    np.testing.assert_allclose(predict(join_ports(graph), given), want, rtol=1e-5, atol=1e-6)


@pytest.mark.needs("tensorflow")
def test_an_axis_without_a_length_is_refused_by_name(tmp_path: Path) -> None:
    import tensorflow as tf

    x = tf.keras.Input((None, 3), name="steps")
    tf.keras.Model(x, tf.keras.layers.Conv1D(2, 3)(x)).save(tmp_path / "model.keras")
    with pytest.raises(EdgePruneError, match="'steps': axis 1 has no fixed length"):
        load(tmp_path / "model.keras")


def _recurrent(name: str):
    from tensorflow.keras import layers as k

    return {
        "lstm": [k.LSTM(4)],
        "gru": [k.GRU(4)],
        "plain": [k.SimpleRNN(4)],
        "both ways": [k.Bidirectional(k.GRU(4, return_sequences=True)), k.Flatten()],
        "stacked": [k.LSTM(5, return_sequences=True), k.GRU(4, reset_after=False)],
        "each step": [k.TimeDistributed(k.Dense(5, activation="relu")), k.Flatten()],
    }[name]


@pytest.mark.needs("tensorflow")
@pytest.mark.parametrize("name", ["lstm", "gru", "plain", "both ways", "stacked", "each step"])
def test_layers_over_time_are_written_out(tmp_path: Path, name: str) -> None:
    import tensorflow as tf

    tf.keras.utils.set_random_seed(3)
    model = tf.keras.Sequential([tf.keras.Input((3, 6)), *_recurrent(name)])
    model.save(tmp_path / "net.keras")
    x = np.random.default_rng(0).normal(size=(5, 3, 6)).astype(np.float32)
    graph = load(tmp_path / "net.keras")
    np.testing.assert_allclose(predict(graph, x), model(x).numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.needs("tensorflow")
def test_activations_that_tensorflow_spells_as_a_choice_are_one_function(tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorflow import keras as k

    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32) * 3
    layers = (k.layers.Activation("selu"), k.layers.ELU(0.5))
    for layer in layers:
        inputs = k.Input((6,))
        model = k.Model(inputs, layer(inputs))
        model.save(tmp_path / "net.keras")
        graph = load(tmp_path / "net.keras")
        assert [n.op.kind for n in graph.nodes] == ["selu"]
        np.testing.assert_allclose(predict(graph, x), model(tf.constant(x)), atol=1e-5)


@pytest.mark.needs("tensorflow")
def test_attention_that_looks_back_alone_is_read(tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorflow import keras as k

    x = np.random.default_rng(0).normal(size=(5, 6, 8)).astype(np.float32)
    inputs = k.Input((6, 8))
    heads = k.layers.MultiHeadAttention(2, 4)(inputs, inputs, use_causal_mask=True)
    model = k.Model(inputs, k.layers.Attention()([heads, inputs], use_causal_mask=True))
    model.save(tmp_path / "net.keras")
    graph = load(tmp_path / "net.keras")
    np.testing.assert_allclose(predict(graph, x), model(tf.constant(x)), atol=1e-5)


@pytest.mark.needs("tensorflow")
def test_conditions_of_values_are_read(tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorflow import keras as k

    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32) * 3
    inputs = k.Input((6,))
    jump = k.layers.ReLU(threshold=0.5)(inputs)
    chosen = k.ops.where(k.ops.logical_and(inputs > -1, jump <= 2), inputs, 3 * k.ops.sign(jump))
    model = k.Model(inputs, k.layers.UnitNormalization()(chosen))
    model.save(tmp_path / "net.keras")
    graph = load(tmp_path / "net.keras")
    np.testing.assert_allclose(predict(graph, x), model(tf.constant(x)), atol=1e-5)


@pytest.mark.needs("tensorflow")
def test_layers_that_cannot_be_compiled_are_refused_by_their_names_all_at_once(
    tmp_path: Path,
) -> None:
    from tensorflow import keras as k

    steps = k.Input((3, 6), batch_size=1)
    left = k.layers.Masking(mask_value=-1.0, name="padding")(steps)
    end = k.layers.GRU(4, stateful=True, name="memory")(left)
    k.Model(steps, end).save(tmp_path / "net.keras")
    with pytest.raises(UnsupportedError) as caught:
        load(tmp_path / "net.keras")
    said = str(caught.value)
    assert "2 operators cannot be compiled" in said
    assert "'padding' (Masking): leaves out steps that hold nothing but -1" in said
    assert "'memory' (GRU): keeps its state between calls (build it with stateful=False" in said
