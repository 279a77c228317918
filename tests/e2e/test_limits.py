"""Limits hold for the smallest network too, and less room gives no better network than more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprune.errors import CannotFitError
from edgeprune.ir import Array
from edgeprune.pipeline.choose import Chooser
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.options import BuildOptions, DtypeChoice
from edgeprune.pipeline.prepare import prepare
from edgeprune.pipeline.room import Room
from edgeprune.target import load_target
from tests.e2e.conftest import invoke, leftovers
from tests.emit.packages import small_cnn, small_mlp
from tests.onnx_models import model, node

pytestmark = pytest.mark.needs("arm-none-eabi-gcc")
QUICK = ("--criterion", "l2", "--schedule", "single", "--optimize", "size", "--emit", "c")


@pytest.fixture(scope="module")
def two_hidden(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """Command line of a model with two hidden layers of eight, and of its samples."""
    folder, rng = tmp_path_factory.mktemp("two"), np.random.default_rng(0)

    def weights(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    nodes = [
        node("MatMul", "x", "w", outputs=["a"], name="one"),
        node("Relu", "a", outputs=["b"], name="r1"),
        node("MatMul", "b", "v", outputs=["c"], name="two"),
        node("Relu", "c", outputs=["d"], name="r2"),
        node("MatMul", "d", "u", name="last"),
    ]
    constants = {"w": weights(6, 8), "v": weights(8, 8), "u": weights(8, 4)}
    (folder / "two.onnx").write_bytes(model(nodes, {"x": (1, 6)}, constants))
    np.savez(folder / "two.npz", x=weights(200, 6))
    return [folder / "two.onnx", "--data", folder / "two.npz"]


@pytest.mark.parametrize(
    ("asked", "takes"),
    [
        (("--max-macs", 10), "takes 11 multiply-accumulates, the limit is 10"),
        (("--max-neurons", 1), "takes 2 neurons, the limit is 1"),
        (
            ("--keep-ratio", 0.05),
            "--keep-ratio: the smallest int8 network takes 2 of 16 neurons, the limit is 1",
        ),
    ],
)
def test_a_limit_below_the_smallest_network_is_refused_with_what_that_takes(
    two_hidden: list[object], asked: tuple[object, ...], takes: str, tmp_path: Path
) -> None:
    done = invoke("build", *two_hidden, *asked, "--dtype", "int8", *QUICK, "-o", tmp_path / "o")
    assert done.status == 1
    assert takes in done.err
    assert "no channel can go" not in done.err, "but of the last layer, as ever"
    assert leftovers(tmp_path) == []


def test_kernels_with_a_larger_stack_are_not_taken_for_those_of_fewer_channels(
    tmp_path: Path,
) -> None:
    path = small_cnn(tmp_path / "cnn.onnx", channels=16)
    asked = ("--data", path.with_suffix(".npz"), "--ram", 600, "--dtype", "int8")
    done = invoke("build", path, *asked, *QUICK, "--json", "-o", tmp_path / "o")
    assert done.status == 0, done.err
    assert done.json["after"]["channels"]["conv"] > 1
    assert done.json["size"]["ram_bytes"] <= 600


def test_a_budget_that_only_the_least_code_meets_is_met_by_it(tmp_path: Path) -> None:
    path = small_cnn(tmp_path / "cnn.onnx", channels=16)
    asked = ("--data", path.with_suffix(".npz"), "--dtype", "int8", "--json")
    for budget, slow in ((2200, True), (4000, False)):
        done = invoke("build", path, *asked, "--budget", budget, *QUICK, "-o", tmp_path / "o")
        assert done.status == 0, done.err
        assert done.json["size"]["flash_bytes"] <= budget
        assert done.json["agreement"]["target_vs_host_mismatches"] in (0, None)
        assert any("those of the least code" in n for n in done.json["notes"]) == slow
        assert ("ep_conv2d_plain_s8" in (tmp_path / "o" / "c" / "cnn.c").read_text()) == slow


def chooser(path: Path, dtype: DtypeChoice) -> Chooser:
    """For a model beside its samples; what it knows is not computed again."""
    out, data = path.parent / "none", path.with_suffix(".npz")
    options = BuildOptions(
        out, path, data, dtype=dtype, criterion="l2", schedule="single", optimize="size"
    )
    return Chooser(prepare(options), options)


def found(chooser: Chooser, room: Room) -> Candidate | None:
    """What is built within so many bytes; None: nothing fits."""
    try:
        return chooser.pruned(load_target("cortex-m4"), room)
    except CannotFitError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("of", ["ram", "flash"])
def test_less_room_finds_what_would_have_been_found_for_more_where_that_fits(
    of: str, tmp_path: Path
) -> None:
    if of == "ram":
        ask, asked = chooser(small_cnn(tmp_path / "cnn.onnx"), "int8"), range(500, 701, 40)
        nets = {n: found(ask, Room(None, n)) for n in asked}
    else:
        path = small_mlp(tmp_path / "mlp.onnx", inputs=40, hidden=48)
        ask, asked = chooser(path, "mixed"), range(1700, 1901, 50)
        nets = {n: found(ask, Room(n, None)) for n in asked}
    answer = 1 / len(ask.prepared.validation.x)
    assert sum(net is not None for net in nets.values()) > 1
    for a, less in nets.items():
        for b, more in nets.items():
            if a < b and more is not None and more.size.taken[of] <= a:
                assert less is not None, f"nothing within {a}, but {more.size.taken[of]} do"
                assert less.accuracy >= more.accuracy - answer - 1e-9, f"{a} is worse than {b}"
