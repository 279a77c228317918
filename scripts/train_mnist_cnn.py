"""Make the small convolutional network that the end-to-end tests compile.

conv 3x3x8, relu, maxpool, conv 3x3x16, relu, maxpool, flatten, dense, softmax; exported as PyTorch
does it today, with the weights in a file of their own beside the graph. One core, half a minute:

    EDGEPRUNE_DATA=folder/with/mnist.npz python scripts/train_mnist_cnn.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import mnist
import onnx
import torch
from torch import nn

PATH = Path(__file__).parents[1] / "tests" / "data" / "mnist_cnn" / "mnist_cnn.onnx"
RECIPE = mnist.Recipe(epochs=6, batch=50, rate=5e-3, decay=0.01)


class Cnn(nn.Module):
    """Images (n, 1, 28, 28) in 0..1 to class probabilities (n, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.head = nn.Linear(16 * 7 * 7, 10)

    def logits(self, image: torch.Tensor) -> torch.Tensor:
        """What goes into the softmax."""
        x = nn.functional.max_pool2d(torch.relu(self.conv1(image)), 2)
        x = nn.functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.head(torch.flatten(x, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Class probabilities."""
        return torch.softmax(self.logits(image), dim=1)


class Logits(nn.Module):
    """The network without its softmax, which the training loss brings along."""

    def __init__(self, net: Cnn) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Class scores."""
        return self.net.logits(image)


def forget_paths(path: Path) -> None:
    """Take out the stack traces that the exporter writes: they name folders of this machine."""
    model = onnx.load(path, load_external_data=False)
    for node in model.graph.node:
        kept = [p for p in node.metadata_props if p.key != "pkg.torch.onnx.stack_trace"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    path.write_bytes(model.SerializeToString())


def main() -> None:
    """Train, print the accuracies, write the graph and its weights."""
    torch.set_num_threads(1)
    torch.manual_seed(RECIPE.seed)
    data = mnist.load()
    net = Cnn()
    images = mnist.tensors(data.train, (1, 28, 28))
    mnist.train(Logits(net), *images, nn.functional.cross_entropy, RECIPE)
    for name in ("held_out", "test"):
        part = mnist.tensors(getattr(data, name), (1, 28, 28))
        print(f"{name}: {mnist.accuracy(net, *part):.4f}")
    PATH.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        net.eval(),
        (torch.zeros(1, 1, 28, 28),),
        PATH,
        input_names=["image"],
        output_names=["probability"],
        external_data=True,
    )
    forget_paths(PATH)


if __name__ == "__main__":
    sys.exit(main())
