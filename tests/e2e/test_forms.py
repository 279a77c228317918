"""Which forms of a network are searched for: those that can be better than what was found."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeprune.compiler.compile import Compiled, Recipe
from edgeprune.errors import CannotFitError
from edgeprune.ir import Graph
from edgeprune.pipeline import choose
from edgeprune.pipeline.choose import Chooser
from edgeprune.pipeline.fitter import Fitter
from edgeprune.pipeline.forms import adds_nothing, forms
from edgeprune.pipeline.mixed import MixedFitter, lowest
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import prepare
from edgeprune.pipeline.room import Room
from edgeprune.target import load_target
from tests.emit.packages import relu_alone, small_mlp

OWN = SimpleNamespace(kernels=("arm_dsp", "portable"), basis="linked")
PORTABLE = SimpleNamespace(kernels=("portable",), basis="linked")


NOT_FIXED = SimpleNamespace(nodes=(), is_quantised=False)


@pytest.mark.parametrize(
    ("limits", "first"),
    [
        ({}, ["speed"]),
        ({"budget": 4096}, ["size"]),
        ({"max_ms": 1.0}, ["speed", "size"]),
        ({"budget": 4096, "max_instructions": 1000}, ["speed", "size"]),
        ({"max_ms": 1.0, "optimize": "size"}, ["size"]),
    ],
    ids=str,
)
def test_a_limit_on_the_time_is_kept_by_the_quickest_kernels_first(
    limits: dict[str, Any], first: list[str]
) -> None:
    target = load_target("nucleo-l4r5zi")
    found = forms(BuildOptions(Path("out"), **limits), target, ("int8",), None)
    assert [f.optimize for f in found if f.target.kernels == target.kernels] == first


def made(dtype: str, accuracy: float, *, portable: bool = False, kernels: Any = OWN) -> Any:
    recipe = SimpleNamespace(target=kernels, form=dtype)
    compiled = SimpleNamespace(recipe=recipe, is_portable=portable)
    return SimpleNamespace(compiled=compiled, accuracy=accuracy)


@pytest.mark.parametrize(
    ("found", "skipped"),
    [
        ([], []),
        ([made("int8", 0.90), made("mixed", 0.95)], ["int8"]),
        ([made("int8", 0.95), made("mixed", 0.95)], []),
        ([made("int8", 0.90), made("mixed", 0.95, portable=True)], ["int8", "mixed"]),
        ([made("mixed", 0.95)], []),
        ([made("int8", 0.90), made("mixed", 0.95, kernels=PORTABLE)], ["int8"]),
    ],
)
def test_smaller_kernels_are_tried_where_they_can_make_something_better(
    found: list[Any], skipped: list[str]
) -> None:
    def is_skipped(dtype: str, target: Any) -> bool:
        form: Any = SimpleNamespace(dtype=dtype, target=target)
        return adds_nothing(form, found, OWN)  # type: ignore[arg-type]

    dtypes = ("int8", "mixed")
    assert [d for d in dtypes if is_skipped(d, PORTABLE)] == skipped
    assert not any(is_skipped(d, OWN) for d in dtypes)


@pytest.mark.parametrize(
    ("bits", "flash", "dtypes"),
    [
        ((2, 8), 10_000, ("int8", "mixed", "float32")),
        ((2, 8), 9_999, ("mixed",)),
        ((8, 8), 9_999, ("int8", "float32")),
        ((2, 8), None, ("int8", "int4", "float32")),
    ],
)
def test_eight_bits_alone_are_not_tried_where_they_leave_a_quarter_of_the_weights(
    monkeypatch: pytest.MonkeyPatch,
    bits: tuple[int, int],
    flash: int | None,
    dtypes: tuple[str, ...],
) -> None:
    monkeypatch.setattr(choose, "is_mixable", lambda graph: True)
    options = BuildOptions(Path("out"), bits=bits)
    prepared: Any = SimpleNamespace(
        chooses=True, float_graph=SimpleNamespace(params=40_000), graph=None
    )
    chooser = Chooser(prepared, options)
    target: Any = OWN
    assert chooser._dtypes(target, whole=False, flash=flash) == dtypes


@pytest.mark.parametrize("asked", [{"dtype": "mixed"}, {"bits": (4, 4)}, {}])
def test_a_network_without_weights_has_none_to_give_fewer_bits(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    path = relu_alone(tmp_path / "relu.onnx")
    options = BuildOptions(tmp_path / "o", path, path.with_suffix(".npz"), **asked)
    chooser = Chooser(prepare(options), options)
    target, given = load_target("cortex-m4"), Room(2000, None)
    assert "mixed" not in chooser._dtypes(target, whole=False, flash=2000)
    assert chooser.pruned(target, given).compiled.recipe.form == "int8"


@pytest.mark.parametrize(
    ("own", "portable", "tried"),
    [
        (0.3, 0.2, [False]),
        (0.2, 0.3, [True, False]),
        (0.2, 0.19, [True, False]),
        (0.01, 0.005, [True, False]),
        (math.inf, math.inf, [True, False]),
        (0.3, 0.1, [False, True]),
    ],
)
def test_a_form_is_solved_where_none_of_less_code_promises_more(
    monkeypatch: pytest.MonkeyPatch, own: float, portable: float, tried: list[bool]
) -> None:
    """A portable one that promises 0.1 does not keep it: what was left out for it is made then."""
    monkeypatch.setattr(choose, "is_mixable", lambda graph: True)
    prepared: Any = SimpleNamespace(chooses=True, float_graph=None, graph=NOT_FIXED)
    prepared.source_accuracy = 1.0
    chooser = Chooser(prepared, BuildOptions(Path("out"), dtype="mixed"))
    target = load_target("cortex-m4")

    class Fake(MixedFitter):
        def __init__(self, form: Any) -> None:
            self.form = form

        @property
        def _is_own(self) -> bool:
            return self.form.target.kernels == target.kernels

        @property
        def promise(self) -> float:
            return own if self._is_own else portable

        def fit(self) -> Any:
            fitted.append(self._is_own)
            if self.promise == 0.1:
                raise CannotFitError("--budget", "over by 8 bytes")
            return made("mixed", 0.9)

    fitted: list[bool] = []
    monkeypatch.setattr(Chooser, "_fitter", lambda self, o, form, given: Fake(form))
    assert chooser.within(target, Room(5000, None))
    assert fitted == tried


@pytest.mark.parametrize("fits", [True, False])
def test_slow_kernels_are_tried_where_nothing_else_fits(
    monkeypatch: pytest.MonkeyPatch, fits: bool
) -> None:
    prepared: Any = SimpleNamespace(chooses=True, float_graph=None, graph=NOT_FIXED)
    prepared.source_accuracy = 1.0
    chooser = Chooser(prepared, BuildOptions(Path("out"), dtype="int8"))
    fitted: list[bool] = []

    class Fake(Fitter):
        def __init__(self, form: Any) -> None:
            self.form = form

        def fit(self) -> Any:
            fitted.append(self.form.slow)
            if not (fits or self.form.slow):
                raise CannotFitError("--budget", "over by 8 bytes")
            return made("int8", 0.9)

    monkeypatch.setattr(Chooser, "_fitter", lambda self, o, form, given: Fake(form))
    assert chooser.within(load_target("cortex-m4"), Room(5000, None))
    assert fitted == [False, False, *([] if fits else [True])]


@pytest.mark.parametrize(
    ("losses", "networks", "best", "seen"),
    [
        ([0.1, 0.2, 0.05], "abc", 0, 2),
        ([0.3, 0.2, 0.1, 0.2, 0.05], "abcde", 2, 4),
        ([None, None, 0.3, 0.1], "abcd", 3, 4),
        ([0.2, 0.2, 0.1], "abc", 0, 2),
        ([0.2, 0.2, 0.1, 0.1, 0.3, 0.05], "aabbcd", 3, 5),
        ([0.2, 0.2, 0.2], "aaa", 2, 3),
        ([None, None], "ab", None, 2),
    ],
)
def test_channels_go_as_long_as_that_loses_less_and_no_further(
    losses: list[float | None], networks: str, best: int | None, seen: int
) -> None:
    """One network that stands there again, as where another limit binds, is no end."""
    looked: list[float] = []

    def look(rung: float) -> Any:
        looked.append(rung)
        loss, pruned = losses[int(rung)], networks[int(rung)]
        return None if loss is None else SimpleNamespace(loss=loss, rung=rung, pruned=pruned)

    found = lowest(look, range(len(losses)))
    assert (None if found is None else found.rung) == best
    assert looked == list(range(seen))


def test_ways_to_quantise_are_compared_without_planning_the_memory_of_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of a recurrent network of a few hundred nodes a plan takes seconds, its answers none."""
    path = small_mlp(tmp_path / "mlp.onnx")
    options = BuildOptions(tmp_path / "o", path, path.with_suffix(".npz"), dtype="int8")
    planned: list[str] = []
    compile_typed = Recipe.compile_typed

    def counted(recipe: Recipe, typed: Graph, **more: Any) -> Compiled:
        if more.get("order") is None:  # the portable form runs in the order of the chosen one
            planned.append(recipe.settings.method)
        return compile_typed(recipe, typed, **more)

    monkeypatch.setattr(Recipe, "compile_typed", counted)
    ask = Chooser(prepare(options), options)
    made = ask.as_it_is(load_target("cortex-m4"), Room(None, None))
    assert made.compiled.recipe.dtype == "int8"
    assert len(planned) == 1


@pytest.mark.parametrize(
    ("target", "given", "slow"),
    [
        ("cortex-m4", {"budget": 5000}, ["int8"]),
        ("cortex-m4", {"budget": 5000, "optimize": "size"}, ["int8"]),
        ("cortex-m4", {"budget": 5000, "optimize": "speed"}, []),
        ("cortex-m4", {"optimize": "size"}, []),
        ("cortex-m4", {}, []),
        ("arduino-uno", {"budget": 5000}, []),
        ("android", {"budget": 5000}, []),
    ],
)
def test_slow_kernels_are_for_integers_that_are_linked_and_are_to_be_small(
    target: str, given: dict[str, Any], slow: list[str]
) -> None:
    found = forms(
        BuildOptions(Path("out"), **given), load_target(target), ("int8", "float32"), None
    )
    assert [f.dtype for f in found if f.slow] == slow
    assert [f.slow for f in found] == sorted(f.slow for f in found)
