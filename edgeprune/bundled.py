"""The model that comes with the package, and its data.

``_data/models/README.md`` says how they were made and under which licence they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PIXEL_SCALE = np.float32(1 / 255)
"""What the stored bytes, 0 black to 255 white, are multiplied with to give the model's input."""

_FOLDER = Path(__file__).parent / "_data" / "models"


@dataclass(frozen=True)
class Bundle:
    """Handwritten digits: images (n, 784) float32 in 0..1, labels (n,) int64 in 0..9.

    Attributes:
        x_train: for ranking, calibration and validation; training images that the model was
            not trained on.
        y_train: their labels.
        x_test: for reporting only; MNIST's test images.
        y_test: their labels.
    """

    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]


def model_path() -> Path:
    """The ``.onnx`` file: 784-100-10 with logistic sigmoids, input ``image`` (1, 784)."""
    return _FOLDER / "mnist_784_100_10.onnx"


def data_path() -> Path:
    """The ``.npz`` file of the data, pixels as uint8."""
    return _FOLDER / "mnist.npz"


def load_data() -> Bundle:
    """Read the data; a tenth of a second, 55 MB."""
    with np.load(data_path(), allow_pickle=False) as file:
        return Bundle(
            x_train=file["x_train"] * PIXEL_SCALE,
            y_train=file["y_train"].astype(np.int64),
            x_test=file["x_test"] * PIXEL_SCALE,
            y_test=file["y_test"].astype(np.int64),
        )
