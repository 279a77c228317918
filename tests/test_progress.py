"""What long work says in a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pruning.graphs import balanced, mlp
from pruning.test_brute_force import samples as some

from edgeprune.ops import Relu, Softmax
from edgeprune.ops.linear import linears
from edgeprune.progress import Lines, Progress
from edgeprune.pruning import sweep
from edgeprune.pruning.analyze import analyze
from edgeprune.pruning.finetune import finetune
from edgeprune.quantize import Rounder, observe
from edgeprune.quantize.bits import Judge, sensitivities
from edgeprune.quantize.train import train
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


GRAPH = balanced(mlp(6, 5, 3, act=Relu, head=Softmax))
DATA = some(GRAPH, 200)
LAYERS = dict.fromkeys(linears(GRAPH), 4)


def _bits(progress: Progress) -> None:
    rounder = Rounder(GRAPH, DATA.x)
    sensitivities(rounder, Judge.of(GRAPH, DATA.x), dict.fromkeys(LAYERS, (255, 4)), progress)


@pytest.mark.parametrize(
    "work",
    [
        lambda p: observe(GRAPH, DATA.x, progress=p),
        lambda p: train(
            *Rounder(GRAPH, DATA.x).rounded(LAYERS), GRAPH, DATA.x, epochs=3, progress=p
        ),
        lambda p: finetune(GRAPH, DATA, epochs=3, progress=p),
        lambda p: analyze(GRAPH, DATA, progress=p),
        lambda p: sweep.journaled(lambda task: task, [1, 2, 3], progress=p),
        _bits,
    ],
    ids=["observe", "train", "finetune", "analyze", "sweep", "bits"],
)
def test_steps_are_counted_one_by_one_up_to_their_number(
    work: Callable[[Progress], object],
) -> None:
    told: list[tuple[str, int, int]] = []
    work(lambda step, done, total: told.append((step, done, total)))
    ((step, total),) = {(step, total) for step, _, total in told}
    counts = [done for _, done, _ in told]
    assert counts == sorted(set(counts)), step
    assert 0 <= counts[0] <= counts[-1] == total, step


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


def test_nothing_can_be_quiet_and_verbose_at_once() -> None:
    for both in (("-q", "--verbose"), ("-v", "--quiet")):
        refused = invoke("report", "nowhere", *both)
        assert refused.status == 2
        assert "--quiet and --verbose: name one" in refused.err


TWICE = [
    ("--budget 4KB --flash=8KB", "--budget and --flash"),
    ("-o A --out B", "-o and --out"),
    ("-oA --out B", "-o and --out"),
    ("-oA --out=B", "-o and --out"),
    ("-qv --quiet", "-q and --quiet"),
]


@pytest.mark.parametrize(("given", "names"), TWICE)
def test_an_option_under_both_of_its_names_is_refused(given: str, names: str) -> None:
    refused = invoke("build", *given.split())
    assert refused.status == 2
    assert f"{names} are names of one option: give one" in refused.err


@pytest.mark.parametrize("given", ["--author --out -o A", "-o A -- --out", "-o A -o B", "-o --out"])
def test_a_value_that_is_spelt_as_a_name_is_none(given: str) -> None:
    assert "names of one option" not in invoke("build", "gone.onnx", *given.split()).err
