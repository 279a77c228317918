"""What of the networks that people train is read, compiles, and agrees with its framework.

    python -m benchmarks.zoo [torch|keras|sklearn|quantised ...] [--only NAME ...]

Weights are seeded and random. A network counts where its float answers are its framework's to 1e-4,
and where it becomes C for Cortex-M4 and a .tflite, in float32 and in int8, that LiteRT's reference
kernels answer as the graph does (int8: to the bit). Quantised files count where the integers are
within four steps of ONNX Runtime's, or, read as float, within what 8 bits leave of the float model.

torch comes with edgeprune, Keras with its extra; scikit-learn's part needs
``pip install scikit-learn skl2onnx``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.zoo.check import SAMPLES, Outcome, check

Case = tuple[str, Callable[[Path], Outcome]]


def torch_cases() -> Iterator[Case]:
    import torch

    from benchmarks.zoo.torch_nets import NETS
    from edgeprune.frontends.from_torch import export

    def run(name: str, folder: Path) -> Outcome:
        torch.manual_seed(0)
        module, example = NETS[name]()
        module.eval()
        for part in module.modules():
            if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
                torch.nn.init.uniform_(part.running_var, 0.5, 2)
                torch.nn.init.uniform_(part.weight, 0.5, 1.5)
                torch.nn.init.normal_(part.bias, std=0.1)
        rows = [[torch.randn_like(x) if x.is_floating_point() else torch.randint_like(x, 50)
                 for x in example] for _ in range(SAMPLES)]  # fmt: skip
        with torch.no_grad():
            made = [module(*r) for r in rows]
        answers = [m if isinstance(m, tuple) else (m,) for m in made]
        path = export(module, example, folder / "net.pt2")
        columns = [[y.numpy() for y in column] for column in zip(*answers, strict=True)]
        inputs = [torch.cat(column).numpy() for column in zip(*rows, strict=True)]
        return check(path, inputs, [np.concatenate(c) for c in columns])

    for name in NETS:
        yield name, lambda folder, name=name: run(name, folder)


def keras_cases() -> Iterator[Case]:
    import keras

    from benchmarks.zoo.keras_nets import MODELS

    def run(name: str, folder: Path) -> Outcome:
        keras.utils.set_random_seed(0)
        model = MODELS[name]()
        rng = np.random.default_rng(0)
        shape = (SAMPLES, *model.inputs[0].shape[1:])
        real = model.inputs[0].dtype == "float32"
        x = rng.normal(size=shape).astype(np.float32) if real else rng.integers(0, 50, shape)
        model.save(folder / "net.keras")
        return check(folder / "net.keras", [x], [np.asarray(model(x, training=False))])

    for name in MODELS:
        yield name, lambda folder, name=name: run(name, folder)


def sklearn_cases() -> Iterator[Case]:
    import onnxruntime
    from skl2onnx import to_onnx

    from benchmarks.zoo.sklearn_nets import MODELS, X

    def run(name: str, folder: Path) -> Outcome:
        model, y, options = MODELS[name]()
        model.fit(X, y)
        content = to_onnx(model, X[:1], options={id(model): options} if options else None)
        (folder / "net.onnx").write_bytes(content.SerializeToString())
        session = onnxruntime.InferenceSession(content.SerializeToString())
        made = session.run(None, {"X": X[:SAMPLES]})
        answers = [np.asarray([list(r.values()) for r in m], np.float32) if isinstance(m, list)
                   else m for m in made]  # fmt: skip
        return check(folder / "net.onnx", [X[:SAMPLES]], answers)

    for name in MODELS:
        yield name, lambda folder, name=name: run(name, folder)


def quantised_cases() -> Iterator[Case]:
    from benchmarks.zoo.quantised import cases

    yield from cases()


PARTS = {
    "torch": torch_cases,
    "keras": keras_cases,
    "sklearn": sklearn_cases,
    "quantised": quantised_cases,
}

AIMS = {"torch": 123 / 129, "keras": 30 / 32, "sklearn": 13 / 18, "quantised": 76 / 82}
"""The share of each that is to count."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[*PARTS])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--share", default="0/1", help="i/n: every n-th network, from the i-th on")
    asked = parser.parse_args()
    first, step = map(int, asked.share.split("/"))
    for part in asked.parts:
        chosen = [c for c in PARTS[part]() if not asked.only or c[0] in asked.only][first::step]
        outcomes = [_shown(name, run) for name, run in chosen]
        counts = [sum(getattr(o, k) for o in outcomes) for k in ("read", "agrees", "whole")]
        said = "{} read, {} agree, {} compile in float32 and int8".format(*counts)
        share = f"{counts[2] / max(len(outcomes), 1):.0%}, aim {AIMS[part]:.0%}"
        print(f"{part}: of {len(outcomes)} {said} ({share})", flush=True)


def _shown(name: str, run: Callable[[Path], Outcome]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = run(Path(folder))
        except Exception as e:  # noqa: BLE001  a crash is an outcome too, and no reason to stop
            found = Outcome(why=f"CRASH {type(e).__name__}: {str(e)[:120]}")
    types = ",".join(found.compiled) or "-"
    state = "yes" if found.whole else "READ" if found.read else "no"
    print(f"  {name:28} {state:5} {types:13} {found.gap:.1e} {found.why}", flush=True)
    return found


if __name__ == "__main__":
    main()
