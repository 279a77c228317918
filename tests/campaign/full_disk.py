"""Lets the disk run full in the middle of commands.

``python -m tests.campaign.full_disk 6`` tries each command on disks of six sizes, which come ever
closer to the least on which the command ends well. On every smaller one there is one message and
exit status 2, nothing is left behind, an earlier result is as it was, and a journal has whole
lines. Names of commands behind the number: those alone. Needs to mount.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.campaign.surroundings import ROOT, fresh

COMMANDS = {
    "build": ("build", "m.onnx", "--data", "d.npz", "--budget", "64KB"),
    "fit": ("fit", "m.onnx", "--data", "d.npz", "--target", "nucleo-f446re"),
    "sweep": (
        "sweep", "m.onnx", "--data", "d.npz", "--levels", "20:60:20", "--runs", "2",
        "--criterion", "l1", "--journal", "disk/journal.jsonl",
    ),
    "sweep --pareto": (
        "sweep", "m.onnx", "--data", "d.npz", "--levels", "20:60:40", "--pareto",
        "--criterion", "l1",
    ),
}  # fmt: skip
LARGEST = 64 << 20
ON_DISK = """
mount -t tmpfs -o size=$0 tmpfs disk && mkdir disk/tmp && cp -r earlier/. disk/ || exit 99
"$@"
status=$?
cp disk/journal.jsonl . 2>/dev/null
rm -f disk/journal.jsonl
cd disk && find . ! -type d -exec sha256sum {} + > ../left
find . -type d >> ../left
exit $status
"""


def run(command: tuple[str, ...], size: int, folder: Path) -> tuple[int, str, set[str]]:
    """Run a command on a disk with an earlier result: status, messages, what the disk has then."""
    for name in ("left", "journal.jsonl"):
        (folder / name).unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "disk/tmp")}
    whole = [sys.executable, "-m", "edgeprune", *command, "--quiet", "-o", "disk/out"]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", ON_DISK, str(size), *whole],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        errors="replace", check=False, timeout=900,
    )  # fmt: skip
    left = folder / "left"
    lines = set(left.read_text().splitlines()) if left.exists() else set[str]()
    return done.returncode, done.stdout + done.stderr, lines


def check(command: tuple[str, ...], size: int, folder: Path, before: set[str]) -> bool:
    """Whether a command ends well on a disk of a size; where not, as it must."""
    status, said, left = run(command, size, folder)
    if status == 0:
        return True
    problem = f"{command[0]} on {size} bytes: status {status}, {sorted(left ^ before)}\n{said}"
    assert status == 2, problem
    assert said.count("error:") == 1, problem
    assert "Traceback" not in said, problem
    assert left == before, problem
    journal = folder / "journal.jsonl"
    text = journal.read_text() if journal.exists() else ""
    assert not text or text.endswith("\n"), problem
    assert all(json.loads(line) for line in text.splitlines()), problem
    return False


def prepare(command: tuple[str, ...], folder: Path) -> tuple[int, set[str]]:
    """Make an earlier result: bytes that it takes of a disk, and what a disk with it has."""
    fresh(folder)
    (folder / "earlier").mkdir()
    made = subprocess.run(
        [sys.executable, "-m", "edgeprune", *command, "--quiet", "-o", "earlier/out"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (folder / "disk/journal.jsonl").unlink(missing_ok=True)
    _, _, before = run(("--version",), LARGEST, folder)
    sizes = [p.stat().st_size for p in folder.glob("earlier/**/*") if p.is_file()]
    return sum(-(-n // 4096) * 4096 for n in sizes), before


def main(count: int, names: list[str]) -> None:
    """Try commands; ends with a traceback where one does not end as it must."""
    for name in names or COMMANDS:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "w"
            taken, before = prepare(COMMANDS[name], folder)
            low, high, full = taken + 4096, LARGEST, 0
            assert check(COMMANDS[name], high, folder, before)
            for _ in range(count):
                size = int((low * high) ** 0.5) >> 12 << 12
                if check(COMMANDS[name], size, folder, before):
                    high = size
                else:
                    low, full = size, full + 1
            shutil.rmtree(folder)
        sys.stdout.write(
            f"{name}: {full} of {count} disks ran full, the largest with {low - taken} bytes free,"
            f" one with {high - taken} not; each one message, nothing left, nothing lost\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
