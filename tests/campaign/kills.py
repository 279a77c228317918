"""Ends builds at any moment: SIGTERM and SIGINT leave nothing, SIGKILL nothing after the next one.

``python -m tests.campaign.kills 100 0`` ends 100 builds, seed 0.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LONGEST_S = 8.0  # before a build is ended; some are done by then
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
NEXT = (
    "import sys, pathlib; from edgeprune.scratch import workspace\n"
    "from edgeprune.pipeline.output import check_writable\n"
    "workspace(); check_writable(pathlib.Path(sys.argv[1]))"
)
"""What every command does first."""


def end_one(folder: Path, sent: signal.Signals, delay: float, jobs: int) -> int:
    """End one build after a delay; its exit status.

    Raises:
        AssertionError: it left something behind, or a half result, or a traceback.
    """
    out = folder / "out"
    environment = {**os.environ, "TMPDIR": str(folder)}
    arguments = ["build", "--budget", "8KB", "--dtype", "int8", "--jobs", str(jobs), "-o", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeprune", *arguments], stderr=subprocess.PIPE, env=environment
    )
    assert process.stderr is not None
    process.stderr.readline()  # it is at work, and its handlers are in place
    time.sleep(delay)
    process.send_signal(sent)
    said = process.communicate(timeout=600)[1].decode()
    if sent is signal.SIGKILL:
        subprocess.run([sys.executable, "-c", NEXT, str(out)], env=environment, check=True)
    left = sorted(p.name for p in folder.iterdir())
    whole = (
        subprocess.run(
            ["sha256sum", "--quiet", "-c", "edgeprune-manifest.sha256"], cwd=out, check=False
        )
        if out.exists()
        else None
    )
    assert "Traceback" not in said, said
    assert left in ([], ["out"]), (sent, delay, left)
    assert whole is None or whole.returncode == 0, (sent, delay)
    assert process.returncode in (0, 130, -signal.SIGKILL), (process.returncode, said)
    return process.returncode


def main(count: int, seed: int) -> None:
    """End builds; ends with a traceback if one of them leaves something."""
    rng = random.Random(seed)
    done = 0
    with tempfile.TemporaryDirectory() as name:
        for i in range(count):
            sent, delay = SIGNALS[i % len(SIGNALS)], rng.uniform(0, LONGEST_S)
            done += end_one(Path(name), sent, delay, rng.choice([1, 2])) == 0
    sys.stdout.write(f"{count} builds ended, {done} were done before; nothing left behind\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
