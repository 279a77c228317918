"""The model and the data that come with the package."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from edgeprune import bundled


@pytest.fixture(scope="module")
def data() -> bundled.Bundle:
    return bundled.load_data()


def test_images_are_what_the_docstring_says(data: bundled.Bundle) -> None:
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert x.dtype == np.float32
        assert y.dtype == np.int64
        assert x.shape == (len(y), 784)
        assert (x.min(), x.max()) == (0, 1)
        assert set(np.unique(y)) == set(range(10))


def test_stored_pixels_come_back_exactly(data: bundled.Bundle) -> None:
    with np.load(bundled.data_path()) as file:
        assert file["x_test"].dtype == np.uint8
        np.testing.assert_array_equal(np.rint(data.x_test * 255), file["x_test"])


def test_no_image_is_in_both_parts(data: bundled.Bundle) -> None:
    train = {row.tobytes() for row in data.x_train}
    assert len(train) == len(data.x_train)
    assert train.isdisjoint(row.tobytes() for row in data.x_test)


def test_the_model_knows_unseen_digits(data: bundled.Bundle) -> None:
    model = onnx.load(bundled.model_path())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "n"
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        (scores,) = session.run(None, {"image": x})
        assert 0.970 < np.mean(scores.argmax(axis=1) == y) < 0.985


def test_the_model_is_784_100_10_with_readable_names() -> None:
    model = onnx.load(bundled.model_path())
    onnx.checker.check_model(model, full_check=True)
    assert [n.name for n in model.graph.node] == [
        "hidden",
        "hidden_sigmoid",
        "output",
        "output_sigmoid",
    ]
    assert sum(int(np.prod(t.dims)) for t in model.graph.initializer) == 79_510


def test_the_files_stay_small_enough_to_ship() -> None:
    files = (bundled.model_path(), bundled.data_path())
    assert sum(f.stat().st_size for f in files) < 4_000_000


def test_reading_the_data_does_not_import_torch() -> None:
    code = "import sys; from edgeprune import bundled; bundled.load_data(); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "torch" not in out.stdout.split()
