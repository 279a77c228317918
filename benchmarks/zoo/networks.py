"""Each network of the zoo as a file, with inputs and what its framework answers to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.ir import Array


@dataclass(frozen=True)
class Net:
    """A network in its framework's file.

    Attributes:
        path: the file.
        inputs: of each input, samples in the user's axes, (n, ...), without a batch axis.
        answers: of each output, the framework's, (n, ...); integers are indices or labels.
    """

    path: Path
    inputs: list[Array]
    answers: list[Array]


Make = Callable[[Path, int], Net]
"""Writes a network into a folder, with so many samples."""


def of_torch() -> Iterator[tuple[str, Make]]:
    """PyTorch's, as .pt2 files."""
    import torch

    from benchmarks.zoo.torch_nets import NETS
    from edgeprune.frontends.from_torch import export

    def make(name: str, folder: Path, count: int) -> Net:
        torch.manual_seed(0)
        module, example = NETS[name]()
        module.eval()
        for part in module.modules():
            if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
                torch.nn.init.uniform_(part.running_var, 0.5, 2)
                torch.nn.init.uniform_(part.weight, 0.5, 1.5)
                torch.nn.init.normal_(part.bias, std=0.1)
        rows = [[torch.randn_like(x) if x.is_floating_point() else torch.randint_like(x, 50)
                 for x in example] for _ in range(count)]  # fmt: skip
        with torch.no_grad():
            made: list[Any] = [module(*r) for r in rows]
        answers = [m if isinstance(m, tuple) else (m,) for m in made]
        path = export(module, example, folder / "net.pt2")
        columns = [[y.numpy() for y in column] for column in zip(*answers, strict=True)]
        inputs = [torch.cat(column).numpy() for column in zip(*rows, strict=True)]
        return Net(path, inputs, [np.concatenate(c) for c in columns])

    for name in NETS:
        yield name, lambda folder, count, name=name: make(name, folder, count)


def of_keras() -> Iterator[tuple[str, Make]]:
    """Keras' own files."""
    import keras

    from benchmarks.zoo.keras_nets import MODELS

    def make(name: str, folder: Path, count: int) -> Net:
        keras.utils.set_random_seed(0)
        model = MODELS[name]()
        rng = np.random.default_rng(0)
        shape = (count, *model.inputs[0].shape[1:])
        real = model.inputs[0].dtype == "float32"
        x = rng.normal(size=shape).astype(np.float32) if real else rng.integers(0, 50, shape)
        model.save(folder / "net.keras")
        return Net(folder / "net.keras", [x], [np.asarray(model(x, training=False))])

    for name in MODELS:
        yield name, lambda folder, count, name=name: make(name, folder, count)


def of_sklearn() -> Iterator[tuple[str, Make]]:
    """scikit-learn's, through skl2onnx."""
    import onnxruntime
    from skl2onnx import to_onnx

    from benchmarks.zoo.sklearn_nets import MODELS, X

    def make(name: str, folder: Path, count: int) -> Net:
        model, y, options = MODELS[name]()
        model.fit(X, y)
        content = to_onnx(model, X[:1], options={id(model): options} if options else None)
        (folder / "net.onnx").write_bytes(content.SerializeToString())
        session = onnxruntime.InferenceSession(content.SerializeToString())
        answers = [np.asarray([list(r.values()) for r in m], np.float32) if isinstance(m, list)
                   else m for m in session.run(None, {"X": X[:count]})]  # fmt: skip
        return Net(folder / "net.onnx", [X[:count]], answers)

    for name in MODELS:
        yield name, lambda folder, count, name=name: make(name, folder, count)


PARTS = {"torch": of_torch, "keras": of_keras, "sklearn": of_sklearn}
