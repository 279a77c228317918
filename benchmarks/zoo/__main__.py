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

from benchmarks.zoo import networks
from benchmarks.zoo.check import SAMPLES, Outcome, check
from benchmarks.zoo.networks import Make

Case = tuple[str, Callable[[Path], Outcome]]


def checked(networks: Callable[[], Iterator[tuple[str, Make]]]) -> Callable[[], Iterator[Case]]:
    """Networks of a framework, each held against what it answers there."""

    def run(make: Make, folder: Path) -> Outcome:
        net = make(folder, SAMPLES)
        return check(net.path, net.inputs, net.answers)

    def cases() -> Iterator[Case]:
        for name, make in networks():
            yield name, lambda folder, make=make: run(make, folder)

    return cases


def quantised_cases() -> Iterator[Case]:
    from benchmarks.zoo.quantised import cases

    yield from cases()


PARTS = {**{k: checked(of) for k, of in networks.PARTS.items()}, "quantised": quantised_cases}

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
