"""Make the model and the data that come with the package.

Trains 784-100-10 with logistic sigmoids on the hidden and the output layer, squared error, as in
"The Incredible Shrinking Neural Network" (Wolfe et al. 2017, arXiv:1701.04465). One core, half a
minute:

    EDGEPRUNE_DATA=folder/with/mnist.npz python scripts/train_mnist_mlp.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import mnist
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

FOLDER = Path(__file__).parents[1] / "edgeprune" / "_data" / "models"
RECIPE = mnist.Recipe(epochs=40, batch=50, rate=3e-3, decay=0.05)
DESCRIPTION = "Handwritten digits. image: 28 x 28 pixels by rows, 0 black, 1 white; digit 0..9"
BUNDLED_HELD_OUT = 7_500
"""Of the held-out training images, how many go into the package."""


def squared_error(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Half the squared distance to the one-hot label, mean over the images."""
    targets = nn.functional.one_hot(labels, outputs.shape[1]).to(outputs.dtype)
    return 0.5 * (outputs - targets).square().sum(dim=1).mean()


def to_onnx(hidden: nn.Linear, output: nn.Linear) -> onnx.ModelProto:
    """The network as four named nodes, one image at a time."""
    weights = {
        "hidden.weight": hidden.weight,
        "hidden.bias": hidden.bias,
        "output.weight": output.weight,
        "output.bias": output.bias,
    }
    graph = helper.make_graph(
        [
            dense("hidden", "image"),
            helper.make_node("Sigmoid", ["hidden"], ["hidden_sigmoid"], name="hidden_sigmoid"),
            dense("output", "hidden_sigmoid"),
            helper.make_node("Sigmoid", ["output"], ["digit"], name="output_sigmoid"),
        ],
        "mnist_784_100_10",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, hidden.in_features))],
        [helper.make_tensor_value_info("digit", TensorProto.FLOAT, (1, output.out_features))],
        [numpy_helper.from_array(w.detach().numpy(), name) for name, w in weights.items()],
        doc_string=DESCRIPTION,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="edgeprune"
    )
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def dense(name: str, source: str) -> onnx.NodeProto:
    """A fully connected layer whose value has the node's name."""
    inputs = [source, f"{name}.weight", f"{name}.bias"]
    return helper.make_node("Gemm", inputs, [name], name=name, transB=1)


def save_data(data: mnist.Mnist, path: Path) -> None:
    """Held-out training images and all test images, pixels as uint8, one row of 784 an image."""

    def rows(x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return x.reshape(len(x), -1)

    (x, y), (x_test, y_test) = data.held_out, data.test
    np.savez_compressed(
        path,
        x_train=rows(x[:BUNDLED_HELD_OUT]),
        y_train=y[:BUNDLED_HELD_OUT],
        x_test=rows(x_test),
        y_test=y_test,
    )


def main() -> None:
    """Train, print the accuracies, write both files."""
    torch.set_num_threads(1)
    torch.manual_seed(RECIPE.seed)
    data = mnist.load()
    hidden, output = nn.Linear(784, 100), nn.Linear(100, 10)
    net = nn.Sequential(hidden, nn.Sigmoid(), output, nn.Sigmoid())
    mnist.train(net, *mnist.tensors(data.train, (784,)), squared_error, RECIPE)
    for name in ("train", "held_out", "test"):
        print(f"{name}: {mnist.accuracy(net, *mnist.tensors(getattr(data, name), (784,))):.4f}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(hidden, output), FOLDER / "mnist_784_100_10.onnx")
    save_data(data, FOLDER / "mnist.npz")


if __name__ == "__main__":
    sys.exit(main())
