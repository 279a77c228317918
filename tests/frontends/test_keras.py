from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.ir import dequantise_array, predict


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
        with pytest.raises(EdgePruneError, match="TensorFlow cannot read it"):
            load(tmp_path / f"m{suffix}")
        assert not mark.exists()


@pytest.mark.needs("tensorflow")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_damaged_files_are_one_message(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(EdgePruneError, match="TensorFlow cannot read it"):
        load(path)


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
