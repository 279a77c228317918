"""Which networks of the zoo are pruned to a share of their flash, verified, within CPU minutes.

    python -m benchmarks.zoo.prune [torch|keras|sklearn ...] [--only NAME ...] [--share i/n]

The commands that a user types: ``edgeprune build --dtype int8`` says what a network takes on
Cortex-M4 as it is, the same with ``--budget`` prunes it to 60 % of that. It counts where the
firmware fits, it, the C and LiteRT agree to the bit, and the second command and all that it starts
take 600 CPU seconds at most. Weights, samples (120) and so the answers are random: this is about
getting there, not accuracy. Prints a row a network as it comes, in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.zoo.networks import PARTS, Make

SAMPLES = 120
EXACT = ("c_vs_tflite_mismatches", "target_vs_host_mismatches")
"""What has to agree to the bit; ONNX Runtime rounds its quantised products in float."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        report: what it printed; None where it failed.
        seconds: user and system, with all that it started.
        said: its last words.
    """

    report: dict[str, dict[str, int]] | None
    seconds: float
    said: str


def build(arguments: list[str], limit: int) -> Ended:
    """``edgeprune build`` on one thread, at most so many CPU seconds in each of its processes."""
    command = [sys.executable, "-m", "edgeprune", "build", *arguments]
    rest = ["--dtype", "int8", "--jobs", "1", "--quiet", "--json"]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(
            [*command, *rest], stdout=out, stderr=err, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        resource.prlimit(child.pid, resource.RLIMIT_CPU, (limit, limit + 5))
        _, status, used = os.wait4(child.pid, 0)
        out.seek(0)
        err.seek(0)
        code = os.waitstatus_to_exitcode(status)
        lines = [line.strip() for line in err.read().splitlines() if line.strip()]
        said = "; ".join(lines) if code > 0 else f"stopped after {limit} CPU s" if code else ""
        seconds = used.ru_utime + used.ru_stime
        return Ended(None if code else json.loads(out.read()), seconds, said)


def outcome(make: Make, share: float, limit: int) -> tuple[bool, str]:
    """Whether a network counts, and its row."""
    with tempfile.TemporaryDirectory(prefix="edgeprune-zoo-") as temp:
        net = make(Path(temp), SAMPLES)
        np.savez(f"{temp}/data.npz", **{f"x{i}": x for i, x in enumerate(net.inputs)})
        if len(net.inputs) == 1:
            np.savez(f"{temp}/data.npz", x=net.inputs[0])
        given = [str(net.path), "--data", f"{temp}/data.npz"]
        whole = build([*given, "-o", f"{temp}/whole"], limit)
        if whole.report is None:
            return False, f"| | | {whole.seconds:.0f} | not built: {whole.said[:300]} |"
        flash = whole.report["size"]["flash_bytes"]
        budget = int(share * flash)
        pruned = build([*given, "--budget", str(budget), "-o", f"{temp}/out"], limit)
        if pruned.report is None:
            return False, f"| {flash:,} | | {pruned.seconds:.0f} | {pruned.said[:300]} |"
        made = pruned.report["size"]["flash_bytes"]
        differ = sum(pruned.report["agreement"][k] or 0 for k in EXACT)
        met = made <= budget and not differ and pruned.seconds <= limit
        said = "pruned and verified" if met else f"{differ} outputs differ, budget {budget:,}"
        return met, f"| {flash:,} | {made:,} | {pruned.seconds:.0f} | {said} |"


def main() -> None:
    """A row a network, and how many count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[*PARTS])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--share", default="0/1", help="i/n: every n-th network, from the i-th on")
    parser.add_argument("--flash", type=float, default=0.6, help="share of flash that is left")
    parser.add_argument("--seconds", type=int, default=600, help="CPU seconds a command may take")
    asked = parser.parse_args()
    first, step = map(int, asked.share.split("/"))
    print("| network | flash, bytes | pruned | CPU, s | outcome |")
    print("| --- | ---: | ---: | ---: | --- |")
    counted = total = 0
    for part in asked.parts:
        chosen = [c for c in PARTS[part]() if not asked.only or c[0] in asked.only][first::step]
        for name, make in chosen:
            met, row = outcome(make, asked.flash, asked.seconds)
            print(f"| {part} {name} {row}", flush=True)
            counted, total = counted + met, total + 1
    print(f"\n{counted} of {total} to {asked.flash:.0%} within {asked.seconds} CPU s")


if __name__ == "__main__":
    main()
