"""Builds random networks for emulated cores, pruned and of few bits: every artifact must agree.

``python -m tests.campaign.networks 40 0`` builds 40 networks of all families of layers
(:mod:`random_modules`), seeds 0 to 39: element type, bits, what is optimised for, core and budget
are drawn. What is written is verified as ``edgeprune verify`` does: C on the host and on the
emulated core, the ``.tflite`` under LiteRT's reference kernels and the ``.onnx`` give the same, on
random inputs as well. What is refused is told by its reason; anything else is a fault, whose seed
alone makes it again: ``python -m tests.campaign.networks 1 17``.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
CORES = ("cortex-m0plus", "cortex-m4", "cortex-m55", "rv32imc")
CPU_SECONDS = 600
REFUSED = 2


def options_of(seed: int) -> dict[str, Any]:
    """What a network is built for; a budget is what it takes with a share of its weights."""
    rng = np.random.default_rng((seed, 1))
    target, dtype, optimize = (
        str(rng.choice(c))
        for c in (
            CORES,
            ("int8", "int8", "mixed", "int4", "int16x8", "auto", "float32"),
            ("size", "speed", "ram"),
        )
    )
    asked: dict[str, Any] = {"target": target, "dtype": dtype, "optimize": optimize}
    limit = rng.choice(["none", "keep_ratio", "budget", "budget"])
    if dtype in ("mixed", "auto"):
        asked["bits"] = str(rng.choice(["2-8", "3-8", "4-8"]))
        limit = "budget"
    if limit == "keep_ratio":
        asked["keep_ratio"] = float(rng.choice([0.4, 0.7]))
    if limit == "budget":
        asked["budget"] = float(rng.choice([0.35, 0.6, 0.85]))
    return asked


def build(seed: int, folder: Path) -> tuple[str, str]:
    """Build and verify a network: ``agrees``, ``refused`` or ``differs``, and of what."""
    sys.path[:0] = [str(ROOT / "tests")]
    import random_modules
    import torch

    import edgeprune
    from edgeprune.errors import EdgePruneError
    from edgeprune.pipeline.verify import verify

    made = random_modules.module(seed)
    asked = options_of(seed)
    told = " ".join(f"{k}={v}" for k, v in (asked | made.options).items())
    example = made.samples["x"]
    data = example if len(made.samples) == 1 else made.samples
    inputs = tuple(torch.from_numpy(v[:1]) for v in made.samples.values())
    same = {**asked, **made.options, "data": data, "seed": seed}
    share = same.pop("budget", None)
    try:
        if share is not None:
            plain = {k: v for k, v in same.items() if k != "bits"} | {"emit": ("c",)}
            plain["dtype"] = "int8" if "bits" in same else same["dtype"]
            whole = edgeprune.build(made.module, inputs, **plain, out=folder / "whole")
            size = whole.report["size"]
            same["budget"] = size["flash_bytes"] - int((1 - share) * size["weight_bytes"])
        edgeprune.build(made.module, inputs, **same, out=folder / "out")
    except EdgePruneError as e:
        return "refused", f"{told}: {e}"
    checks = verify(folder / "out", seed=seed).checks
    wrong = [f"{what}: {detail}" for what, ok, detail in checks if not ok]
    return ("differs", f"{told}: {wrong}") if wrong else ("agrees", told)


def in_child(seed: int) -> tuple[str, str]:
    """The same in a process of its own; ``fails`` with what it said last."""
    with tempfile.TemporaryDirectory(prefix="networks-") as name:
        folder = Path(name)
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
            try:
                became = build(seed, folder)
            except BaseException:  # noqa: BLE001  whatever it is, it is a fault
                became = "fails", traceback.format_exc()
            (folder / "became").write_text("\n".join(became))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not (folder / "became").exists():
            return "fails", f"ended with {os.waitstatus_to_exitcode(status)}"
        what, _, told = (folder / "became").read_text().partition("\n")
        return what, told


def main(count: int, seed: int) -> int:
    """Build networks; the number of faults."""
    warnings.simplefilter("ignore")
    import torch

    import edgeprune  # noqa: F401  what children share

    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    for s in range(seed, seed + count):
        what, told = in_child(s)
        counts[what] += 1
        sys.stdout.write(f"{s} {what}: {told}\n")
        sys.stdout.flush()
    faults = counts["differs"] + counts["fails"]
    summary = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
    sys.stdout.write(f"{count} networks: {summary}; {faults} faults\n")
    return faults


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
