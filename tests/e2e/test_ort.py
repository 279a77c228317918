"""ORT format files for ONNX Runtime Mobile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from edgeprune import bundled
from edgeprune.emit import to_ort
from edgeprune.errors import EdgePruneError
from tests.e2e.conftest import Command, report_of


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    b = bundled.load_data()
    path = tmp_path_factory.mktemp("data") / "images.npz"
    np.savez(path, x=b.x_train[:400].reshape(-1, 1, 28, 28), y=b.y_train[:400])
    return path


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_the_ort_file_answers_as_the_onnx_file_and_names_its_operators(
    edgeprune: Command, mnist_cnn: Path, images: Path, tmp_path: Path, dtype: str
) -> None:
    out = tmp_path / "out"
    given = ("--data", images, "--dtype", dtype, "--emit", "c,onnx,ort", "-o", out)
    done = edgeprune("build", mnist_cnn, *given)
    assert done.status == 0, done.err
    with np.load(images) as data:
        x = data["x"][:100]
    answers = []
    for name in ("model.onnx", "model.ort"):
        session = ort.InferenceSession(str(out / name), providers=["CPUExecutionProvider"])
        (feed,) = session.get_inputs()
        answers.append(np.stack([session.run(None, {feed.name: i[None]})[0] for i in x]))
    np.testing.assert_allclose(*answers, rtol=0, atol=1e-6)
    needed = (out / to_ort.CONFIG).read_text()
    assert "ai.onnx;" in needed
    assert str(tmp_path) not in needed
    assert "/" not in needed
    record = report_of(out)
    assert record["size"]["ort_bytes"] == (out / "model.ort").stat().st_size
    assert record["accuracy"]["ort"] == pytest.approx(record["accuracy"]["c"], abs=0.01)
    assert not (out / "model.tflite").exists()
    verdict = edgeprune("verify", out, "--json")
    assert verdict.status == 0, verdict.err
    assert any("ORT" in check["what"] for check in verdict.json["checks"])


def test_the_same_model_gives_the_same_ort_file(mnist_cnn: Path) -> None:
    content = _with_weights_inside(mnist_cnn)
    assert to_ort.convert(content) == to_ort.convert(content)


def _with_weights_inside(path: Path) -> bytes:
    import onnx

    content: bytes = onnx.load(path).SerializeToString()
    return content


def test_what_onnx_runtime_does_not_convert_is_said() -> None:
    with pytest.raises(EdgePruneError, match="--emit ort"):
        to_ort.convert(b"no model")
