"""Files that are wrong, in parts, or hostile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_cases import CASES
from onnx_cases.values import V, X, i64, w
from onnx_models import evaluate, model, node, oracle, random_feeds

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_onnx import loads


def test_external_data_is_read_from_the_folder_of_the_model(tmp_path: Path) -> None:
    content = CASES["gemm"]
    onnx.save_model(
        onnx.load_from_string(content),
        tmp_path / "m.onnx",
        save_as_external_data=True,
        size_threshold=0,
        location="m.onnx.data",
    )
    feeds = random_feeds(content, np.random.default_rng(0))
    found = evaluate(load(tmp_path / "m.onnx"), feeds)
    np.testing.assert_allclose(found[0], oracle(content, feeds)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "", ".", "a/../../secret"])
def test_external_data_elsewhere_is_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(bytes(300))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "m.onnx").write_bytes(_with_external(location))
    with pytest.raises(EdgePruneError, match="outside the model's folder"):
        load(folder / "m.onnx")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(300))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "data").symlink_to(tmp_path / "secret")
    (folder / "m.onnx").write_bytes(_with_external("data"))
    with pytest.raises(EdgePruneError, match="outside the model's folder"):
        load(folder / "m.onnx")


def test_external_data_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(100))
    (tmp_path / "m.onnx").write_bytes(_with_external("data"))
    with pytest.raises(EdgePruneError, match="needs 240 bytes"):
        load(tmp_path / "m.onnx")


def _with_external(location: str) -> bytes:
    made = onnx.load_from_string(model([node("Gemm", "x", "w")], V, {"w": w(12, 5)}))
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return made.SerializeToString()


def test_all_unsupported_operators_are_listed_at_once_by_name() -> None:
    nodes = [
        node("Det", "x", name="first", outputs=["a"]),
        node("Relu", "a", outputs=["b"]),
        node("MaxPool", "x", name="third", kernel_shape=[2, 2], outputs=["c", "indices"]),
        node("NoSuch", "b", "c", name="second"),
    ]
    with pytest.raises(UnsupportedError) as e:
        loads(model(nodes, X))
    for text in ("3 operators", "'first' (Det)", "'second' (NoSuch)", "'third' (MaxPool)"):
        assert text in str(e.value)
    assert "Relu" not in str(e.value)


BAD: dict[str, tuple[bytes, str]] = {
    "shapes contradict": (
        model([node("Gemm", "x", "w", name="layer")], V, {"w": w(13, 5)}),
        r"'layer' \(Gemm\).*\[1, 12\] does not go with a matrix \[13, 5\]",
    ),
    "channels contradict": (
        model([node("Conv", "x", "w", name="c1")], X, {"w": w(4, 5, 3, 3)}),
        r"'c1' \(Conv\).*an image of 3 channels",
    ),
    "bias contradicts": (
        model([node("Conv", "x", "w", "b")], X, {"w": w(4, 3, 3, 3), "b": w(5)}),
        "4 filters, but its bias has shape",
    ),
    "window too large": (
        model([node("Conv", "x", "w")], X, {"w": w(4, 3, 9, 3)}), "smaller than the window",
    ),
    "reshape contradicts": (
        model([node("Reshape", "x", "s")], V, {"s": i64(1, 5, 5)}), r"\[1, 12\] cannot become",
    ),
    "a free axis": (
        model([node("Relu", "x")], {"x": [1, 3, "height", 5]}),
        r"input 'x': axis 2 \(height\) has no fixed length",
    ),
    "weights are not finite": (
        model([node("Gemm", "x", "w", name="fc")], V, {"w": np.full((12, 5), np.nan, np.float32)}),
        "'fc'.*60 of 60 values of its weights are NaN or infinite",
    ),
    "a missing value": (model([node("Add", "x", "nowhere")], V), "which nothing computes"),
    "a value twice": (model([node("Relu", "x"), node("Tanh", "x")], V), "computed twice"),
    "nothing to compute": (
        model([node("Relu", "c")], V, {"c": w(3)}), "does not depend on any input",
    ),
    "an old operator set": (model([node("Relu", "x")], V, opset=6), "uses operator set 6"),
    "strides of zero": (
        model([node("MaxPool", "x", kernel_shape=[2, 2], strides=[0, 0])], X), "'strides'",
    ),
    "a constant out of bounds": (
        model(
            [node("ConstantOfShape", "s", outputs=["c"]), node("Add", "x", "c")],
            V,
            {"s": i64(1 << 20, 1 << 20)},
        ),
        "makes a constant of about",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_model_is_one_message_with_the_place(name: str) -> None:
    content, message = BAD[name]
    with pytest.raises(EdgePruneError, match=message):
        loads(content)


def test_a_model_in_half_precision_is_refused_by_its_type() -> None:
    content = model([node("Gemm", "x", "w")], V, {"w": w(12, 5).astype(np.float16)})
    made = onnx.load_from_string(content)
    made.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    with pytest.raises(UnsupportedError, match="FLOAT16"):
        loads(made.SerializeToString())


def test_what_is_no_onnx_file_is_said(tmp_path: Path) -> None:
    for i, data in enumerate((b"", b"not a model", CASES["conv"][:40])):
        (tmp_path / f"{i}.onnx").write_bytes(data)
        with pytest.raises(EdgePruneError):
            load(tmp_path / f"{i}.onnx")
    with pytest.raises(EdgePruneError, match="does not exist"):
        load(tmp_path / "nothing.onnx")
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(EdgePruneError, match="of no kind that is read"):
        load(tmp_path / "a.txt")
