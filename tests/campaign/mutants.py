"""Changes our own code in one small place at a time, and asks whether a test notices.

``python -m tests.campaign.mutants planner 60 0`` tries 60 mutants of the planner, seed 0; ``all``
as many of every part. A folder behind it keeps what is known already: which tests run which lines,
and which mutants were killed; the same command then goes on where the last one ended, and tries
survivors again. It works on a copy of what git has.

A mutant of Python is tried by the tests that run its lines, the quickest first. Those listed in
``equivalent.toml`` compute the same as the original, each for the reason beside it, and are not
tried; the share that is killed is one of the others. A mutant that uses many times the processor
time that its tests take hangs, which is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaign.mutate_code import Mutant, by_hand, named, of_c, of_python
from tests.campaign.traced import Chosen, Trace, key_of, order_of, trace

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PATIENCE = 5.0  # times what the tests take, in seconds of processor time; behind that it hangs
OPTIONS = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0"]
QUICK = ["-m", "not slow"]


@dataclass(frozen=True)
class Part:
    """What is changed, and which tests should notice.

    Attributes:
        files: patterns of source files, or the list of mutants made by hand.
        tests: patterns of test files.
    """

    files: tuple[str, ...]
    tests: tuple[str, ...]


PARTS = {
    "planner": Part(("edgeprune/planner/*.py",), ("tests/planner/test_*.py",)),
    "limits": Part(
        ("edgeprune/pruning/limits.py", "edgeprune/pruning/descent.py"),
        (
            "tests/pruning/test_limits.py", "tests/pruning/test_descent.py",
            "tests/pruning/test_search.py",
            "tests/pruning/test_kept_whole.py", "tests/pruning/test_obs.py",
            "tests/pruning/test_obs_blocks.py",
        ),
    ),
    "quantize": Part(("edgeprune/quantize/*.py",), ("tests/quantize/test_*.py",)),
    "emit": Part(
        ("edgeprune/emit/*.py", "edgeprune/emit/to_c/*.py"),
        (
            "tests/emit/test_names.py", "tests/emit/test_port_comments.py",
            "tests/emit/test_tflite.py", "tests/emit/test_tflite_codes.py",
            "tests/emit/test_tflite_metadata.py",
            "tests/emit/test_onnx.py", "tests/emit/test_labels.py", "tests/emit/test_state.py",
            "tests/emit/test_shared_parameters.py", "tests/emit/test_feed_rows.py",
            "tests/emit/test_each_operator.py", "tests/kernels/test_coded_networks.py",
            "tests/frontends/test_lstm.py", "tests/frontends/test_svdf.py",
        ),
    ),
    "kernels": Part(
        ("edgeprune/kernels/*.py", "edgeprune/kernels/portable/*.py"),
        (
            "tests/kernels/test_[bcgim]*.py", "tests/kernels/test_portable_*.py",
            "tests/kernels/test_vector.py", "tests/compiler/test_*.py",
            "tests/frontends/test_lstm.py",
        ),
    ),
    "kernels_of_arm": Part(
        ("edgeprune/kernels/arm*/*.py", "edgeprune/kernels/avr/*.py"),
        (
            "tests/kernels/test_arm*.py", "tests/kernels/test_coded_networks.py",
            "tests/emit/test_avr.py",
        ),
    ),
    "by_hand": Part(("tests/campaign/mutants_of_c.toml",), ()),
    "runtime_c": Part(
        (
            "runtime_c/src/*_s8.c", "runtime_c/src/*_s16.c", "runtime_c/src/*.inc",
            "runtime_c/include/ep_common.h",
        ),
        (
            "tests/kernels/test_portable_elementwise.py", "tests/kernels/test_portable_int16.py",
            "tests/kernels/test_portable_linear.py", "tests/kernels/test_codes.py",
            "tests/kernels/test_matmul.py", "tests/kernels/test_gather.py",
        ),
    ),
}  # fmt: skip


def in_child(work: Callable[[], Any], folder: Path, seconds: float) -> int:
    """What ``work`` answers in a process that has the large packages already; 1 for no number.

    A child that needs more than ``seconds`` of processor time is ended, which is a negative number.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(folder)
        sys.path[:0] = [str(folder)]
        most = int(seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
        os._exit(int(work() or 0))
    finally:
        os._exit(1)


def copied(folder: Path) -> None:
    """What git has, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    for name in listed.stdout.rstrip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)


def traces_of(part: Part, folder: Path, kept: Path) -> dict[str, Trace]:
    """What each test file of a part runs."""
    sources = sorted(p for f in part.files for p in folder.glob(f))
    found = {}
    for path in sorted(p for f in part.tests for p in folder.glob(f)):
        tests = str(path.relative_to(folder))
        known = kept / f"{key_of(folder, tests, sources)}.json"
        if not known.exists():
            options = [o for o in OPTIONS if o != "-x"] + QUICK
            in_child(lambda t=tests, o=options, k=known: trace(folder, t, o, k), folder, 3600)  # type: ignore[misc]
        found[tests] = Trace(**json.loads(known.read_text()))
    return found


def compiles(path: Path, folder: Path) -> bool:
    """Whether a file of C or assembly, or the first one that includes it, is that at all."""
    runtime = folder / "runtime_c"
    units = [u for u in sorted(runtime.rglob("ep_*.[cS]")) if f'"{path.name}"' in u.read_text()]
    unit = folder / path if path.suffix in (".c", ".S") or not units else units[0]
    command = ["gcc", "-std=c99"]
    if unit.parent.name.startswith("arm"):
        flags = (
            "-mcpu=cortex-m55 -mfloat-abi=hard" if "mve" in unit.parent.name else "-mcpu=cortex-m4"
        )
        flags = "-mcpu=cortex-m0plus" if "v6m" in unit.parent.name else flags
        command = ["arm-none-eabi-gcc", "-std=gnu99", "-mthumb", *flags.split()]
    elif unit.parent.name == "avr":
        command = ["avr-gcc", "-std=gnu99", "-mmcu=atmega328p"]
    kind = ["-xassembler-with-cpp"] if unit.suffix == ".S" else ["-xc"]
    command += [
        f"-I{runtime / 'include'}",
        f"-I{unit.parent}",
        "-c",
        "-o",
        os.devnull,
        *kind,
        str(unit),
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def tests_of(mutant: Mutant, traces: dict[str, Trace]) -> tuple[list[str], list[str], float]:
    """Test files, the tests of them that are run where not all are, and how long they take."""
    if mutant.tests:
        return list(mutant.tests), [], 120.0
    if mutant.path.suffix != ".py":  # nothing tells which lines of it are run
        known = {n: s for t in traces.values() for n, s in t.seconds.items()}
        return list(traces), sorted(known, key=known.__getitem__), sum(known.values())
    return order_of(traces, mutant.path, mutant.lines)


def try_mutant(
    mutant: Mutant, folder: Path, tests: Sequence[str], order: list[str], seconds: float
) -> str:
    """What became of a mutant: ``killed``, ``hangs``, ``survives``; ``broken``: not a program."""
    import pytest

    file = folder / mutant.path
    source = file.read_bytes()
    plugins = [Chosen(order)] if order else []
    options = [*OPTIONS, *(QUICK if order else ())]
    temp = folder.parent / "temp"
    try:
        file.write_bytes(mutant.applied(source))
        forget(file)
        if file.suffix != ".py":  # what is compiled of it is of no use to anybody else
            if not compiles(mutant.path, folder):
                return "broken"
            temp.mkdir()
            os.environ["TMPDIR"] = str(temp)
        code = in_child(
            lambda: pytest.main([*options, *tests], plugins=plugins),
            folder,
            10 + PATIENCE * seconds,
        )
        return "survives" if code == 0 else "killed" if code > 0 else "hangs"
    finally:
        file.write_bytes(source)
        forget(file)
        os.environ.pop("TMPDIR", None)
        shutil.rmtree(temp, ignore_errors=True)


def forget(file: Path) -> None:
    """Remove compiled code: it is told apart by whole seconds and sizes only."""
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*"):
        compiled.unlink()


def mutants_of(part: Part, folder: Path, seed: int) -> list[Mutant]:
    """All mutants of a part, in an order that stays while the code around them changes."""
    mutants: list[Mutant] = []
    for path in sorted(p for f in part.files for p in folder.glob(f)):
        if path.suffix == ".toml":
            mutants += by_hand(path, folder)
            continue
        make = of_python if path.suffix == ".py" else of_c
        source = path.read_bytes()
        mutants += named(make(path.relative_to(folder), source), source)
    return sorted(mutants, key=lambda m: hashlib.sha256(f"{seed} {m.name}".encode()).digest())


def survey(name: str, part: Part, count: int, seed: int, folder: Path, kept: Path) -> Counter[str]:
    """Try some mutants of a part: how many were killed, and how many not."""
    equivalent = {
        row["mutant"] for row in tomllib.loads((HERE / "equivalent.toml").read_text())["mutants"]
    }
    results = kept / f"{name}.jsonl"
    known = {}
    if results.exists():
        known = dict(json.loads(line) for line in results.read_text().splitlines())
    traces = traces_of(part, folder, kept)
    count_of: Counter[str] = Counter()
    for mutant in mutants_of(part, folder, seed):
        if count_of.total() - count_of["broken"] == count:
            break
        start = time.monotonic()
        became = "equivalent" if mutant.name in equivalent else known.get(mutant.name, "survives")
        if became == "survives":
            tests, order, seconds = tests_of(mutant, traces)
            became = try_mutant(mutant, folder, tests, order, seconds) if tests else "survives"
            with results.open("a") as file:
                file.write(json.dumps([mutant.name, became]) + "\n")
            told = mutant.told((folder / mutant.path).read_bytes())
            took = time.monotonic() - start
            why = "" if tests else "  (no test runs it)"
            sys.stdout.write(f"{became}: {told}{why}  [{took:.0f} s]\n")
            sys.stdout.flush()
        count_of[became] += 1
    return count_of


def main(names: str, count: int, seed: int, kept: Path) -> None:
    """Try mutants of some parts."""
    import hypothesis  # noqa: F401
    import numpy  # noqa: F401
    import onnx  # noqa: F401
    import pytest  # noqa: F401
    import torch  # noqa: F401

    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutants-") as temp:
        folder = Path(temp) / "tree"
        copied(folder)
        for name in PARTS if names == "all" else names.split(","):
            got = survey(name, PARTS[name], count, seed, folder, kept)
            killed = got["killed"] + got["hangs"]
            share = 100 * killed / max(killed + got["survives"], 1)
            drawn = killed + got["survives"] + got["equivalent"]
            sys.stdout.write(
                f"{name}: {drawn} mutants, {killed} killed ({got['hangs']} hang),"
                f" {got['equivalent']} equivalent, {got['survives']} survive: {share:.0f} %\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # and so tidy up
    with tempfile.TemporaryDirectory(prefix="mutants-kept-") as lost:
        kept = Path(sys.argv[4] if len(sys.argv) > 4 else lost).absolute()
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), kept)
