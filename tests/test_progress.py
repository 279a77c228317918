"""What long work says in a log."""

from __future__ import annotations

import time
from pathlib import Path

from edgeprune.progress import Lines
from tests.e2e.conftest import invoke
from tests.e2e.test_bad_input import dense_model, samples


class Watch:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_every_stage_has_a_line_and_ten_seconds_have_one() -> None:
    said: list[str] = []
    clock = Watch()
    lines = Lines(said.append, clock=clock)
    lines("load", 0, 0)
    for step in range(25):
        clock.now += 1
        lines("rank", step, 100)
    lines("emit", 0, 0)
    assert [line.split("  ")[-1] for line in said] == [
        "load",
        "rank",
        "rank 10 of 100",
        "rank 20 of 100",
        "emit",
    ]
    assert said[-1].split() == ["25.0", "s", "emit"]


def test_stages_that_take_turns_do_not_fill_the_log() -> None:
    said: list[str] = []
    clock = Watch()
    lines = Lines(said.append, clock=clock)
    for step in range(100):
        clock.now += 0.01
        lines("rank" if step % 2 else "solve", step, 100)
    assert len(said) == 2


def test_a_stage_that_says_nothing_is_still_heard_of() -> None:
    said: list[str] = []
    with Lines(said.append, silence=0.01) as lines:
        lines("link", 0, 0)
        until = time.monotonic() + 60
        while len(said) < 3 and time.monotonic() < until:
            time.sleep(0.01)
    assert len(said) >= 3
    count = len(said)
    time.sleep(0.05)
    assert len(said) == count  # nothing after the end


def test_a_build_says_its_steps_on_stderr_and_nothing_where_it_is_quiet(tmp_path: Path) -> None:
    given = (dense_model(tmp_path / "m.onnx"), "--data", samples(tmp_path / "d.npz"))
    build = ("build", *given, "--target", "host")
    usual = invoke(*build, "-o", tmp_path / "a")
    stages = [line.split(" s  ")[1] for line in usual.err.splitlines() if " s  " in line]
    assert [s for s in ("load", "rank", "emit", "verify") if s in stages] == [
        "load",
        "rank",
        "emit",
        "verify",
    ]
    assert usual.out == ""
    quiet = invoke(*build, "--quiet", "--json", "-o", tmp_path / "b")
    assert quiet.err == ""
    assert quiet.json["schema"] == 1
    wrong = invoke("build", tmp_path / "gone.onnx", "--quiet", "-o", tmp_path / "c")
    assert "gone.onnx" in wrong.err


def test_every_command_that_works_can_be_quiet_or_verbose() -> None:
    for name in "build fit analyze sweep extract verify run report compare".split():
        said = invoke(name, "--help").out
        assert "--quiet" in said, name
        assert "--verbose" in said, name
