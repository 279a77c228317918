"""Bytes are saved by channels and by bits together, and everything still agrees."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pruning import graphs

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph
from edgeprune.ops import Relu, Softmax
from edgeprune.pipeline.choose import Chooser
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.mix import Mix, Mixer, Roundings
from edgeprune.pipeline.mixed import MixedFitter
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import prepare
from edgeprune.pipeline.room import Room
from edgeprune.pipeline.values import parse_bits
from edgeprune.pruning.pruned import Pruned
from edgeprune.quantize.bits import Allocation, Counts, Judge
from edgeprune.quantize.rounding import roundable
from edgeprune.target import load_target
from tests.e2e.conftest import Command, invoke, report_of
from tests.emit.packages import small_mlp

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
TIGHT, TIGHTER = 3000, 2000
MIXED = ("--dtype", "mixed", "--criterion", "l2", "--schedule", "single")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = small_mlp(tmp_path_factory.mktemp("bits") / "net.onnx", inputs=40, hidden=60)
    x = np.random.default_rng(2).normal(size=(200, 40)).astype(np.float32)
    np.savez(path.with_suffix(".npz"), x=x)
    return path


@pytest.fixture(scope="module")
def built(model: Path) -> Path:
    out = model.parent / "tight"
    data = model.with_suffix(".npz")
    done = invoke("build", model, "--data", data, "--budget", TIGHT, *MIXED, "-o", out)
    assert done.status == 0, done.err
    return out


def test_a_tight_budget_is_met_with_few_bits_and_every_artifact_agrees(built: Path) -> None:
    r = report_of(built)
    bits = {row["name"]: row["bits"] for row in r["layers"] if row["bits"]}
    assert min(bits.values()) < 8
    assert r["size"]["flash_bytes"] <= TIGHT
    assert r["agreement"]["c_vs_tflite_mismatches"] == 0
    assert r["agreement"]["target_vs_host_mismatches"] == 0


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_packed_weights_run_on_every_core(edgeprune: Command, built: Path, core: str) -> None:
    done = edgeprune("run", built, "--on", core)
    assert done.status == 0, done.err


def test_auto_means_channels_and_bits_where_bytes_are_short(
    edgeprune: Command, model: Path, tmp_path: Path
) -> None:
    given = (model, "--data", model.with_suffix(".npz"), "--budget", TIGHT, *MIXED[2:])
    assert edgeprune("build", *given, "--emit", "c", "-o", tmp_path / "b").status == 0
    report = report_of(tmp_path / "b")
    tried = {row["label"].split(",")[0]: row["accuracy"] for row in report["frontier"]}
    assert report["dtype"] == "mixed"
    assert "int4" not in tried
    assert tried["mixed"] > tried["int8"]


def test_bits_bound_what_mixed_gives(edgeprune: Command, model: Path, tmp_path: Path) -> None:
    given = (model, "--data", model.with_suffix(".npz"), "--budget", TIGHT, *MIXED, "--emit", "c")
    assert edgeprune("build", *given, "--bits", "8", "-o", tmp_path / "b").status == 0
    assert {row["bits"] for row in report_of(tmp_path / "b")["layers"]} == {8, None}


def test_auto_is_mixed_where_eight_bits_are_more_than_weights_may_have(
    edgeprune: Command, model: Path, tmp_path: Path
) -> None:
    given = (model, "--data", model.with_suffix(".npz"), *MIXED[2:], "--emit", "c", "--bits", "4")
    assert edgeprune("build", *given, "--budget", "64KB", "-o", tmp_path / "b").status == 0
    report = report_of(tmp_path / "b")
    assert report["dtype"] == "mixed"
    assert {row["bits"] for row in report["layers"]} == {4, None}
    done = edgeprune("build", *given, "--budget", 3000, "--target", "android", "-o", tmp_path / "a")
    assert (done.status, "--bits" in done.err) == (2, True)


@pytest.mark.parametrize("where", [("--target", "android", "--budget", 3500), ("--ram", 260)])
@pytest.mark.parametrize(("bits", "allowed"), [("8", False), ("4-8", True)])
def test_auto_tries_four_bits_in_files_and_for_ram_only_where_bits_allow_them(
    edgeprune: Command,
    model: Path,
    tmp_path: Path,
    where: tuple[object, ...],
    bits: str,
    allowed: bool,
) -> None:
    given = (model, "--data", model.with_suffix(".npz"), *MIXED[2:], "--bits", bits, "--emit", "c")
    done = edgeprune("build", *given, *where, "-o", tmp_path / "b")
    assert done.status == 0, done.err
    assert ("try int4" in done.err) == allowed


@pytest.mark.parametrize("dtype", ["int8", "int4", "int16x8", "float32"])
def test_bits_are_refused_where_the_type_says_how_many_there_are(
    edgeprune: Command, tmp_path: Path, dtype: str
) -> None:
    for command in ("build", "fit", "explore"):
        done = edgeprune(command, "--dtype", dtype, "--bits", "2", "-o", tmp_path / "b")
        assert (done.status, "--bits" in done.err) == (2, True), done.err
        assert not (tmp_path / "b").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "criterion"), [("int8", "obs"), ("mixed", "l2")], ids=["int8", "mixed"]
)
def test_the_floor_that_a_refusal_names_is_one_that_can_be_built(
    edgeprune: Command, model: Path, tmp_path: Path, dtype: str, criterion: str
) -> None:
    given = (model, "--data", model.with_suffix(".npz"), "--optimize", "size", "--emit", "c")
    build = ("build", *given, "--dtype", dtype, "--criterion", criterion)
    refused = edgeprune(*build, "--budget", 200, "-o", tmp_path / "none")
    assert (refused.status, (tmp_path / "none").exists()) == (1, False)
    named = re.search(r"floor is ([\d,]+) bytes", refused.err)
    assert named is not None, refused.err
    least = int(named[1].replace(",", ""))
    for budget in (least, least + 8):
        done = edgeprune(*build, "--budget", budget, "-o", tmp_path / f"{budget}")
        assert done.status == 0, done.err
        assert report_of(tmp_path / f"{budget}")["size"]["flash_bytes"] <= budget


def test_sizes_on_the_way_are_told_where_they_are_those_of_what_is_built(
    edgeprune: Command, built: Path, model: Path, tmp_path: Path
) -> None:
    few = report_of(built)
    assert len(few["visited"]) > 1  # reckoned at eight bits, built with fewer
    assert few["visited"][0]["flash_bytes"] > few["size"]["flash_bytes"]
    page = (built / "report.html").read_text()
    assert "<h2>Accuracy against size</h2>" in page
    assert "reckoned for eight bits a weight" in page
    given = (model, "--data", model.with_suffix(".npz"), "--budget", TIGHT, *MIXED[2:])
    done = edgeprune("build", *given, "--dtype", "int8", "--emit", "c", "-o", tmp_path / "b")
    assert done.status == 0, done.err
    report = report_of(tmp_path / "b")
    now, sizes = report["size"]["flash_bytes"], [v["flash_bytes"] for v in report["visited"]]
    assert sizes == sorted(sizes)
    # what the budget did not need gone was put back, the more the more the last of it saved
    assert 0.8 * now <= sizes[0] <= 1.03 * now
    assert sizes[-1] == pytest.approx(report["before"]["flash_bytes"], rel=0.03)
    assert report["visited"][-1]["neurons"] == 60


def mixed(model: Path) -> BuildOptions:
    """Asked for as by the command line of the other tests, for networks that are not written."""
    given = model.parent / "none", model, model.with_suffix(".npz")
    return BuildOptions(*given, dtype="mixed", criterion="l2", schedule="single", optimize="size")


def test_what_its_own_scales_make_too_large_gets_fewer_bits_by_what_was_known(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = mixed(model)
    chooser = Chooser(prepare(options), options)
    asked: list[tuple[Graph, Graph | None]] = []
    mix, finish, settle = Mixer.mix, MixedFitter._finish, Roundings.settled
    linked: list[int] = []
    settled: list[Counts] = []
    more = iter([100])

    def noted(self: Mixer, graph: Graph, like: Graph | None = None) -> tuple[Mix, float] | None:
        asked.append((graph, like))
        return mix(self, graph, like)

    def larger(self: MixedFitter, *given: Any) -> Candidate:
        found = finish(self, *given)
        linked.append(found.size.flash_bytes)
        size = replace(found.size, flash_bytes=found.size.flash_bytes + next(more, 0))
        return replace(found, size=size)

    monkeypatch.setattr(Mixer, "mix", noted)

    def fitting(self: Roundings, found: Mix, *given: Graph) -> Mix:
        settled.append(found.counts)
        return settle(self, found, *given)

    monkeypatch.setattr(MixedFitter, "_finish", larger)
    monkeypatch.setattr(Roundings, "settled", fitting)
    made = chooser.pruned(load_target("cortex-m4"), Room(TIGHT, None))
    assert made.size.flash_bytes == linked[-1] < linked[0]
    assert len(settled) == 1, "what does not fit is not settled"
    like = asked[-1][1]
    assert any(g is like for g, _ in asked[:-1]), "layers' losses are those that were measured"


@pytest.mark.parametrize(
    ("neurons", "budget", "least"), [(20, TIGHT, 2), (None, 5000, 2), (None, 20_000, 1)]
)
def test_a_network_that_several_rungs_give_gets_bits_once_and_hides_no_smaller_one(
    model: Path, monkeypatch: pytest.MonkeyPatch, neurons: int | None, budget: int, least: int
) -> None:
    """As where another limit than that of flash binds, or the whole network is below them."""
    asked: list[int] = []
    mix = Mixer.mix

    def noted(self: Mixer, graph: Graph, like: Graph | None = None) -> tuple[Mix, float] | None:
        asked.append(graph.params)
        return mix(self, graph, like)

    monkeypatch.setattr(Mixer, "mix", noted)
    options = replace(mixed(model), max_neurons=neurons)
    chooser, given = Chooser(prepare(options), options), Room(budget, None)
    o = chooser._limited(given)
    form = chooser._forms(o, load_target("cortex-m4"), given)[0]
    assert chooser._fitter(o, form, given).promise < 1
    assert len(asked) >= least
    assert sorted(set(asked), reverse=True) == asked


def test_what_is_settled_on_is_never_further_from_the_source_than_what_was_found(
    model: Path,
) -> None:
    """Nearer where there are samples to learn it from; as it is where those tell the wrong."""
    prepared = prepare(mixed(model))
    source = prepared.float_graph
    roundings = Chooser(prepared, mixed(model))._roundings
    for count in (3, 4, 16):
        mix = roundings.mix(source, dict.fromkeys(roundable(source), count))
        found = roundings.settled(mix, source, source)
        assert found.loss < 0.98 * mix.loss
        assert roundings.judge.loss(found.graph) == found.loss
        assert {k: v.values for k, v in found.levels.items()}.keys() == mix.counts.keys()
    misled = replace(roundings, x=np.zeros_like(roundings.x))
    mix = roundings.mix(source, dict.fromkeys(roundable(source), 16))
    assert misled.settled(mix, source, source) is mix


@pytest.mark.slow
def test_few_bits_are_trained_nearer_to_the_source_and_every_artifact_agrees(
    edgeprune: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = Roundings.trained
    losses: list[tuple[float, float]] = []

    def noted(self: Roundings, mix: Mix, *given: Any) -> Mix:
        made = trained(self, mix, *given)
        losses.append((mix.loss, made.loss))
        return made

    monkeypatch.setattr(Roundings, "trained", noted)
    given = (model, "--data", model.with_suffix(".npz"), "--budget", TIGHTER, *MIXED)
    build = ("build", *given, "--optimize", "size", "--finetune", "20", "-o", tmp_path / "b")
    assert edgeprune(*build).status == 0
    r = report_of(tmp_path / "b")
    assert r["finetune"] == 20
    assert losses[-1][1] < losses[-1][0]
    assert r["size"]["flash_bytes"] <= TIGHTER
    assert r["agreement"]["c_vs_tflite_mismatches"] == 0
    assert r["agreement"]["target_vs_host_mismatches"] == 0


def test_solving_and_training_are_kept_as_far_as_each_comes_nearer_to_the_source(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels that the source is wrong about lead away from it; what was solved is left then."""
    options = replace(mixed(model), finetune=4)
    chooser, given = Chooser(prepare(options), options), Room(TIGHTER, None)
    o = chooser._limited(given)
    fitter = chooser._fitter(o, chooser._forms(o, load_target("cortex-m4"), given)[0], given)
    assert isinstance(fitter, MixedFitter)
    found = fitter._explored.best
    assert found is not None
    solved, trained = (found.pruned.graph.with_constants({}) for _ in range(2))
    spent = set[float]()

    def train(_: MixedFitter, pruned: Pruned, epochs: float) -> Graph:
        spent.add(epochs)
        return trained if epochs else pruned.graph

    def mix(_: Mixer, graph: Graph, like: Graph) -> tuple[Mix, float]:
        return Mix(graph, {}, {}, losses[graph is trained]), 0.0

    monkeypatch.setattr(MixedFitter, "_solved", lambda _, pruned: replace(pruned, graph=solved))
    monkeypatch.setattr(MixedFitter, "_trained", train)
    monkeypatch.setattr(Mixer, "mix", mix)
    for losses, kept in (
        ((0.5, 2.0), solved),
        ((0.5, 0.1), trained),
        ((2.0, 0.5), trained),
        ((2.0, 3.0), found.pruned.graph),
    ):
        losses = (losses[0] * found.loss, losses[1] * found.loss)
        assert fitter._finished(fitter._explored.mixer, found).pruned.graph is kept
    assert spent == {0, 2}, "half of the epochs, as channels have gone"
    whole = replace(found.pruned, removed=np.zeros_like(found.pruned.removed))
    assert fitter._epochs(whole) == (0, 4)


@pytest.mark.parametrize("text", ["5", "8-2", "", "2-", "two"])
def test_bits_that_weights_cannot_have_are_refused(text: str) -> None:
    with pytest.raises(EdgePruneError, match="bits"):
        parse_bits(text)


@pytest.mark.slow
def test_more_bytes_never_cost_more_than_two_answers_of_the_samples_that_choose(
    model: Path,
) -> None:
    """Distances to the source model choose; answers follow them but for two on a border."""
    options = mixed(model)
    prepared = prepare(options)
    chooser, target = Chooser(prepared, options), load_target("cortex-m4")
    budgets = range(1900, 3900, 200)
    found = [chooser.pruned(target, Room(budget, None)) for budget in budgets]
    assert all(c.size.flash_bytes <= b for c, b in zip(found, budgets, strict=True))
    accuracies = [c.accuracy for c in found]
    two = 2.001 / len(prepared.validation.x)
    for smaller, larger in itertools.pairwise(accuracies):
        assert larger >= smaller - two, accuracies
    assert accuracies[1] > 0.7, "codes alone fit where eight bits beside them do not"


def test_files_have_no_packed_weights(edgeprune: Command, model: Path, tmp_path: Path) -> None:
    given = (model, "--data", model.with_suffix(".npz"), "--budget", TIGHT, *MIXED)
    done = edgeprune("build", *given, "--target", "android", "-o", tmp_path / "b")
    assert done.status == 2
    assert "--dtype" in done.err


def test_few_samples_are_learned_from_in_no_more_steps_than_many() -> None:
    source, steps = graphs.mlp(6, 8, 3, act=Relu, head=Softmax), list[int]()
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    roundings = Roundings(x, Judge.of(source, x), (4,), progress=lambda *how: steps.append(how[2]))
    mix = roundings.mix(source, dict.fromkeys(roundable(source), 4))
    roundings.settled(mix, source, source)
    assert 600 < max(steps) <= 625


def test_bits_are_found_though_what_is_linked_hardly_follows_their_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A few bytes too many, whatever is tried next, until a layer less wants code of its own."""
    ways = [Allocation(1000.0 - k, 0.0, {"layer": k}) for k in range(500)]
    monkeypatch.setattr(Mixer, "_plain", lambda self, graph, counts: counts["layer"])
    mixer = Mixer(Any, Any, lambda layer: {"flash": 3.0 if layer < 90 else -40.0})  # type: ignore[arg-type, return-value]
    found = mixer._fitting(Any, ways)  # type: ignore[arg-type]
    assert found is not None
    assert 90 <= found[0]["layer"] < 250


def test_bytes_that_are_left_go_into_bits_until_nothing_dearer_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Code that goes with some of the layers leaves more than their price said."""
    ways = [Allocation(1000.0 - k, 0.0, {"layer": k}) for k in range(500)]
    monkeypatch.setattr(Mixer, "_plain", lambda self, graph, counts: counts["layer"])
    mixer = Mixer(Any, Any, lambda k: {"flash": 700.0 - k if k < 300 else 150.0 - k})  # type: ignore[arg-type, return-value, operator]
    found = mixer._fitting(Any, ways)  # type: ignore[arg-type]
    assert found is not None
    assert found[0]["layer"] == 300


def test_prices_of_bits_are_what_layers_take_with_scales_and_biases(model: Path) -> None:
    options = mixed(model)
    chooser, room = Chooser(prepare(options), options), Room(TIGHT, None)
    o = chooser._limited(room)
    fitter = chooser._fitter(o, chooser._forms(o, load_target("cortex-m4"), room)[0], room)
    assert isinstance(fitter, MixedFitter)
    mixer, graph = fitter._explored.mixer, chooser.prepared.float_graph
    price, layers = mixer._prices(graph), list(roundable(graph))
    for ways in itertools.product((255, 16, 7, 3), repeat=len(layers)):
        counts = dict(zip(layers, ways, strict=True))
        if counts.items() <= price.keys():
            made = mixer._plain(graph, counts)
            taken = sum(made.layer_bytes(name) for name in layers)
            assert sum(price[way] for way in counts.items()) == pytest.approx(taken, abs=50)
