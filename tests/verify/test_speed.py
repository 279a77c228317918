"""What runs outside the delegate is seen, and two files are timed side by side."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import edgeprune
from edgeprune.emit import to_tflite
from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph
from edgeprune.ops import Dense, Gather
from edgeprune.ops.examples import example_graph
from edgeprune.pipeline.values import parse_speedup
from edgeprune.verify import speed, stopwatch
from edgeprune.verify.speed import Speed, outside_delegate


def dense(inputs: int, outputs: int) -> Graph:
    return example_graph((Dense(), ((inputs,),), ((outputs, inputs), (outputs,))))


def test_a_dense_layer_is_inside_and_a_gather_outside() -> None:
    assert outside_delegate(to_tflite.emit(dense(16, 8))) == ()
    gather = example_graph((Gather(indices=(0, 3, 6)), ((8,),), ()))
    assert outside_delegate(to_tflite.emit(gather)) == ("GATHER",)


def test_two_files_are_timed_in_turns_and_what_else_ran_meanwhile_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter([4.0, 1.0, 2.0, 7.0, *[9.0, 8.0] * stopwatch._ROUNDS])
    monkeypatch.setattr(stopwatch._Run, "milliseconds", lambda self: next(times))
    file = to_tflite.emit(dense(16, 8))
    assert stopwatch.shortest([file, file]) == [2.0, 1.0]
    assert Speed(2.0, 1.0).ratio == 2.0


@pytest.mark.parametrize(
    ("times", "found"),
    [([(4, 2)], (4, 2)), ([(6, 5), (4, 3)], (4, 3)), ([(4, 3), (5, 1)], (4, 1))],
    ids=["fast enough", "slow", "disturbed"],
)
def test_what_is_too_slow_is_timed_again_and_the_shorter_times_count(
    monkeypatch: pytest.MonkeyPatch,
    times: list[tuple[int, int]],
    found: tuple[int, int],
) -> None:
    left = iter(times)
    monkeypatch.setattr(speed, "speed", lambda before, after: Speed(*next(left)))
    assert speed.speed_up(b"", b"", 2.0) == Speed(*found)
    assert not list(left)


@pytest.mark.parametrize(("seconds", "rounds"), [(0.001, 400), (0.5, 10), (60.0, 3)])
def test_slow_files_are_timed_in_fewer_rounds_yet_in_three(
    monkeypatch: pytest.MonkeyPatch, seconds: float, rounds: int
) -> None:
    turns: list[object] = []
    clock = SimpleNamespace(perf_counter=lambda: seconds * len(turns))
    monkeypatch.setattr(stopwatch, "time", clock)
    monkeypatch.setattr(stopwatch._Run, "milliseconds", lambda self: turns.append(self) or 1.0)
    file = to_tflite.emit(dense(16, 8))
    assert stopwatch.shortest([file, file]) == [1.0, 1.0]
    assert len(turns) == 2 * rounds
    assert turns == turns[:2] * rounds


def test_litert_that_hangs_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_SECONDS", 0.2)
    monkeypatch.setattr(speed, "_PROGRAM", "import time; time.sleep(60)")
    with pytest.raises(EdgePruneError, match=r"LiteRT did not end .* 0\.2 s") as caught:
        speed.speed(b"", b"")
    assert "--speedup" in caught.value.hint


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("raise MemoryError('no\\nroom')", "room"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "it ended by signal 11 (Seg"),
        ("raise SystemExit(3)", "it ended with status 3"),
        ("print('hello')", "hello"),
    ],
)
def test_why_files_cannot_be_timed_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, program: str, why: str
) -> None:
    monkeypatch.setattr(speed, "_PROGRAM", program)
    with pytest.raises(EdgePruneError) as caught:
        speed.speed(b"", b"")
    assert caught.value.what.startswith(f"cannot be timed: {why}")


def test_what_else_a_python_prints_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_PROGRAM", f"print('hello')\n{speed._PROGRAM}\nprint('bye')")
    file = to_tflite.emit(dense(16, 8))
    assert speed.speed(file, file).ratio > 0


@pytest.mark.parametrize("installed", [False, True])
def test_the_stopwatch_is_that_of_the_same_sources_and_other_packages_shadow_no_module(
    tmp_path: Path, installed: bool
) -> None:
    (tmp_path / "edgeprune").symlink_to(Path(edgeprune.__path__[0]))
    site = ""
    if installed:
        site = "import os, sys; at = sys.path.index(os.path.dirname(os.__file__)) + 1\n"
        site += "sys.path.insert(at, sys.argv[1])\n"
        (tmp_path / "json.py").write_text("raise SystemExit('this json is of another package')")
    where = "\nassert edgeprune.verify.stopwatch.__file__.startswith(sys.argv[1])"
    program = f"{site}{speed._PROGRAM}\nimport edgeprune.verify.stopwatch{where}"
    command = [sys.executable, "-P", "-c", program, str(tmp_path), str(tmp_path / "answer")]
    bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(command, check=False, env=bare, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_files_are_timed_by_a_program_of_its_own_and_what_litert_refuses_is_said() -> None:
    found = speed.speed(to_tflite.emit(dense(64, 64)), to_tflite.emit(dense(16, 8)))
    assert 0 < found.after_ms < 100
    assert 0 < found.before_ms < 100
    with pytest.raises(EdgePruneError, match="LiteRT refuses it"):
        speed.speed(b"TFL3", b"TFL3")


x86 = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="another processor"
)
ASKS = """
import ctypes, sys
from edgeprune.verify.stopwatch import refuse_tiles
refuse_tiles()
asked = ctypes.CDLL(None).syscall(158, 0x1023, 18)  # arch_prctl(ARCH_REQ_XCOMP_PERM, tiles)
sys.exit(asked == 0)
"""


@x86
def test_no_kernels_for_matrix_tiles_are_timed_as_no_phone_has_these() -> None:
    assert subprocess.run([sys.executable, "-c", ASKS], check=False).returncode == 0


def test_the_stopwatch_does_without_tiles_before_it_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(stopwatch, "refuse_tiles", lambda: calls.append("refuse"))
    monkeypatch.setattr(stopwatch, "shortest", lambda contents: calls.append("time"))
    stopwatch.main([str(tmp_path / "answer")])
    assert calls == ["refuse", "time"]


@x86
def test_nothing_is_timed_where_tiles_cannot_be_done_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    too_small = ctypes.create_string_buffer(16)  # for Linux to take it as a stack
    monkeypatch.setattr(stopwatch, "_STACK", too_small)
    stopwatch.main([str(tmp_path / "answer")])
    assert "matrix tiles" in json.loads((tmp_path / "answer").read_text())["refused"]


@pytest.mark.parametrize("text", ["1x", "0.5", "fast", "-2x", "1e9"])
def test_what_is_no_speed_up_is_refused(text: str) -> None:
    with pytest.raises(EdgePruneError, match="--speedup"):
        parse_speedup(text)
    assert parse_speedup("2x") == parse_speedup("2.0") == 2.0
