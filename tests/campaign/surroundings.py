"""Builds one network in places that are not like a developer's desk.

``python -m tests.campaign.surroundings 30 0`` builds it 30 times, seed 0, each time with some of
what machines differ in: the artifacts are the same bytes as on an ordinary one. And each time with
some limit that runs out, anywhere in the build: one message, exit status 2 or 1, nothing left
behind, unless the limit was not met.
"""

from __future__ import annotations

import hashlib
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaign import seeds

ROOT = Path(__file__).parents[2]
BUILD = ("build", "m.onnx", "--data", "d.npz", "--budget", "64KB", "--emit", "c,tflite,onnx")


@dataclass(frozen=True)
class Place:
    """How a process is started.

    Attributes:
        told: what is unlike other places.
        environment: variables that are set; None: taken away.
        arguments: of the command, more of them.
        limit: called in the process before it runs.
        mounts: shell commands in a name space of its own, in front of it.
        streams: "full", "closed": where it writes its messages.
    """

    told: str
    environment: Mapping[str, str | None] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    limit: Callable[[], None] | None = None
    mounts: str = ""
    streams: str = ""


def _ask(kind: int, most: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def alike(rng: random.Random) -> Place:
    """A place that should make no difference."""
    some = [
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LANG": None, "LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
        {"PYTHONHASHSEED": str(rng.randrange(1 << 32))},
        {"OMP_NUM_THREADS": str(rng.choice([1, 2, 3, 8]))},
        {"OMP_NUM_THREADS": None, "MKL_NUM_THREADS": "2"},
        {"TZ": "Pacific/Kiritimati", "SOURCE_DATE_EPOCH": "1"},
        {"HOME": "/nowhere", "XDG_CACHE_HOME": None, "USER": None, "LOGNAME": None},
        {"COLUMNS": "1", "LINES": "1", "TERM": "dumb"},
        {"FORCE_COLOR": "1", "TERM": "xterm-256color"},
        {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "error::ResourceWarning"},
        {"PYTHONOPTIMIZE": "1"},
    ]
    chosen = rng.sample(some, rng.randint(1, 3))
    environment = {k: v for part in chosen for k, v in part.items()}
    streams, jobs = rng.choice(["", "", "closed"]), rng.choice(["1", "2", "3"])
    umask = rng.choice([0o022, 0o077, 0o002])
    read_only = f"mount --bind {ROOT} {ROOT} && mount -o remount,ro,bind {ROOT} && "
    mounts = read_only if rng.random() < 0.3 and _may_mount() else ""
    told = f"{environment}, --jobs {jobs}, messages {streams or 'shown'}, umask {umask:o}"
    return Place(
        told + ", nothing of ours can be written" * bool(mounts),
        environment,
        ("--jobs", jobs),
        lambda: (None, os.umask(umask))[0],
        mounts,
        streams,
    )


def scarce(rng: random.Random, folder: Path) -> Place:
    """A place where something may run out."""
    size = int(2 ** rng.uniform(8, 22))
    kinds = [
        Place(f"files of {size} bytes", limit=_ask(resource.RLIMIT_FSIZE, size)),
        Place(f"{size >> 12} open files", limit=_ask(resource.RLIMIT_NOFILE, max(size >> 12, 3))),
        Place("no folder for temporary files", {"TMPDIR": str(folder / "nowhere")}),
        Place("no programs", {"PATH": "/nowhere"}),
        Place("no room for messages", streams="full"),
    ]
    if _may_mount():
        disk = folder / "disk"
        text = f"mount -t tmpfs -o size={size} tmpfs {disk} && "
        kinds += [Place(f"a disk of {size} bytes", {"TMPDIR": str(disk)}, mounts=text)] * 2
    return rng.choice(kinds)


def _may_mount() -> bool:
    command = ["unshare", "-m", "true"]
    return shutil.which("unshare") is not None and (
        subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def build(place: Place, folder: Path) -> tuple[int, str, str]:
    """Build there: exit status, messages, and a hash of the artifacts ("" where there are none)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")}
    for key, value in place.environment.items():
        if value is None:
            environment.pop(key, None)
        else:
            environment[key] = value
    command = [sys.executable, "-m", "edgeprune", *BUILD, *place.arguments, "-o", "out"]
    if place.mounts:
        command = ["unshare", "-m", "sh", "-c", f'{place.mounts}exec "$@"', "sh", *command]
    said = folder / "said"
    with open("/dev/full", "wb") if place.streams == "full" else said.open("wb") as out:
        closes = (lambda: os.close(2)) if place.streams == "closed" else (lambda: None)

        def start() -> None:
            closes()
            if place.limit is not None:
                place.limit()

        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            check=False, preexec_fn=start, timeout=900,
        )  # fmt: skip
    text = said.read_text(errors="replace") if said.exists() else ""
    return done.returncode, text, _digest(folder / "out")


def _digest(out: Path) -> str:
    files = [*out.glob("model.*"), *out.glob("c/*")]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest() if files else ""


def fresh(folder: Path) -> None:
    """A folder with the model and its data, and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("tmp", "disk"):
        (folder / name).mkdir(parents=True)
    (folder / "m.onnx").write_bytes(seeds.onnx_seeds()[0])
    (folder / "d.npz").write_bytes(seeds.npz_seeds()[0])


def check(place: Place, folder: Path, wanted: str | None) -> bool:
    """Build in a place, and look at what is left; whether it was built.

    Args:
        place: where.
        folder: a folder for it.
        wanted: the hash that artifacts must have; None: whatever is built.
    """
    fresh(folder)
    status, said, made = build(place, folder)
    left = {p.name for p in folder.iterdir()} - {"m.onnx", "d.npz", "tmp", "disk", "said", "out"}
    left |= {f"tmp/{p.name}" for p in (folder / "tmp").iterdir()}
    problem = f"{place.told}: exit status {status}, left {sorted(left)}\n{said[-3000:]}"
    assert "Traceback" not in said, problem
    assert not left, problem
    assert status in ((0,) if wanted else (0, 1, 2)), problem
    assert (status == 0) == (made != ""), problem
    assert wanted in (None, made), problem
    return status == 0


def main(count: int, seed: int) -> None:
    """Build in many places; ends with a traceback where something is not as it must be."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "a place with spaces and ünicode"
        fresh(folder)
        status, said, wanted = build(Place("an ordinary one"), folder)
        assert status == 0, said
        built = 0
        for _ in range(count):
            check(alike(rng), folder, wanted)
            built += check(scarce(rng, folder), folder, None)
    sys.stdout.write(
        f"{count} builds in unlike places gave the same bytes; of {count} where something may run "
        f"out {built} were built and the others refused; nothing left behind\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
