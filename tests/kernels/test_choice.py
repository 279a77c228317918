"""Where flash counts, kernels are chosen for the whole network; the costs are near the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from op_cases import residual, to_integers

from edgeprune import bundled
from edgeprune.compiler import Recipe, footprint
from edgeprune.frontends import load
from edgeprune.ir import Node
from edgeprune.kernels import costs
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.choice import LEANER, SLOWER, balanced, leanest, quickest, smallest
from edgeprune.kernels.select import candidates, lower
from edgeprune.target import load_target
from edgeprune.verify.run_target import run

CODE = {"a.c": 900, "b.c": 300, "shared.c": 500}
KERNELS = {"fast": ("a.c",), "small": ("b.c", "shared.c"), "other": ("shared.c",)}


def call(kernel: str, instructions: int) -> KernelCall:
    return KernelCall(
        kernel, KERNELS[kernel], (f"{kernel}.h",), "", (), (), ("x",), instructions=instructions
    )


def flash_bytes(calls) -> int:
    return sum(CODE[s] for s in {s for c in calls for s in c.sources})


OPTIONS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(sorted(KERNELS)), st.integers(1, 10_000)),
        min_size=1,
        max_size=3,
        unique_by=lambda row: row[0],
    ),
    min_size=1,
    max_size=6,
)


@given(OPTIONS)
def test_what_is_chosen_is_smaller_than_the_quickest_and_not_much_slower(rows) -> None:
    options = {f"n{i}": [call(*row) for row in calls] for i, calls in enumerate(rows)}
    quickest = {n: min(calls, key=lambda c: c.instructions) for n, calls in options.items()}
    chosen = smallest(options, flash_bytes)
    assert all(chosen[n] in calls for n, calls in options.items())
    assert flash_bytes(chosen.values()) <= flash_bytes(quickest.values())
    fewest = sum(c.instructions for c in quickest.values())
    assert sum(c.instructions for c in chosen.values()) <= SLOWER * fewest
    for k in range(3):
        alike = [calls[min(k, len(calls) - 1)] for calls in options.values()]
        if sum(c.instructions for c in alike) <= SLOWER * fewest:
            assert flash_bytes(chosen.values()) <= flash_bytes(alike), "the k-th of every layer"


def test_a_kernel_that_one_cheap_layer_uses_is_not_paid_for() -> None:
    large = [call("small", 100_000), call("fast", 90_000)]
    options = {"large": large, "tiny": [call("fast", 100), call("small", 900)]}
    assert {c.kernel for c in smallest(options, flash_bytes).values()} == {"small"}


def test_code_that_would_make_the_network_too_slow_stays() -> None:
    options = {"only": [call("fast", 1000), call("other", 2000)]}
    assert smallest(options, flash_bytes)["only"].kernel == "fast"
    assert smallest(options, flash_bytes, slow=True)["only"].kernel == "other"


def test_the_steps_of_a_sequence_are_decided_on_once() -> None:
    def asked(steps: int) -> list[str]:
        seen: list[str] = []

        def counted(calls) -> int:
            seen.append("")
            return flash_bytes(calls)

        options = {f"step{i}": [call("fast", 100), call("small", 110)] for i in range(steps)}
        chosen = smallest(options, counted)
        assert list(chosen) == list(options)
        assert {c.kernel for c in chosen.values()} == {"small"}
        return seen

    assert asked(40) == asked(1)


def test_what_costs_a_network_nothing_is_done_without_working_memory() -> None:
    large = [replace(call("fast", 1_000_000), scratch_bytes=64)]
    wide, lean = replace(call("fast", 100), scratch_bytes=9), replace(call("small", 110))
    chosen = quickest({"large": large, "tiny": [wide, lean]})
    assert chosen["tiny"] is lean
    assert quickest({"tiny": [wide, lean]})["tiny"] is wide


MEMORY = st.lists(
    st.lists(
        st.tuples(st.integers(90, 130), st.integers(0, 50)), min_size=1, max_size=3, unique=True
    ),
    min_size=1,
    max_size=6,
)


@given(MEMORY, st.integers(0, 50))
def test_layers_at_the_peak_take_less_memory_and_the_others_stay_quick(rows, floor) -> None:
    options = {
        f"n{i}": [replace(call("fast", work), scratch_bytes=s) for work, s in calls]
        for i, calls in enumerate(rows)
    }
    quick = {n: min(calls, key=lambda c: c.instructions) for n, calls in options.items()}

    def arena(choice) -> int:
        return max(floor, *(c.scratch_bytes for c in choice.values()))

    chosen = leanest(options, quick, arena)
    peak = arena(chosen)
    assert peak <= arena(quick)
    for name, calls in options.items():
        assert chosen[name].instructions <= LEANER[0] * quick[name].instructions
        if quick[name].scratch_bytes <= peak:
            assert chosen[name] is quick[name]
        allowed = [c for c in calls if c.instructions <= LEANER[0] * quick[name].instructions]
        assert any(c is chosen[name] for c in allowed)
    if peak > floor:
        tight = [n for n in options if chosen[n].scratch_bytes == peak]
        assert any(
            all(
                c.scratch_bytes >= peak
                for c in options[n]
                if c.instructions <= LEANER[0] * quick[n].instructions
            )
            for n in tight
        )


def test_calls_that_are_much_slower_are_taken_only_where_the_part_has_no_more_room() -> None:
    quick, slow = replace(call("fast", 100), scratch_bytes=50), call("small", 180)
    options = {"only": [quick, slow]}

    def arena(choice) -> int:
        return 10 + max(c.scratch_bytes for c in choice.values())

    for room, chosen in ((None, quick), (60, quick), (59, slow), (5, slow)):
        assert leanest(options, {"only": quick}, arena, room)["only"] is chosen


@given(MEMORY, st.integers(1, 50))
def test_a_balance_buys_memory_with_no_greater_share_of_the_work(rows, floor) -> None:
    options = {
        f"n{i}": [replace(call("fast", work), scratch_bytes=s) for work, s in calls]
        for i, calls in enumerate(rows)
    }
    quick = {n: min(calls, key=lambda c: c.instructions) for n, calls in options.items()}

    def arena(choice) -> int:
        return max(floor, *(c.scratch_bytes for c in choice.values()))

    def price(choice) -> int:
        return arena(choice) * sum(c.work for c in choice.values())

    chosen = balanced(options, quick, arena)
    assert price(chosen) <= price(quick)
    assert all(chosen[n] is quick[n] or quick[n].scratch_bytes > arena(chosen) for n in options)


def test_memory_that_is_cheap_in_work_is_saved_and_dear_memory_is_not() -> None:
    quick = replace(call("fast", 100), scratch_bytes=90)
    other = replace(call("other", 100), scratch_bytes=40)
    for work, is_cheap in ((150, True), (175, False)):
        lean = replace(call("small", work), scratch_bytes=40)
        options = {"a": [quick, lean], "b": [other]}
        arena = lambda choice: 100 + max(c.scratch_bytes for c in choice.values())  # noqa: E731
        chosen = balanced(options, {"a": quick, "b": other}, arena)
        assert (chosen["a"] is lean) is is_cheap


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("optimize", ["size", "speed"])
def test_the_model_of_costs_is_near_what_is_counted_and_linked(
    core: str, optimize: str, tmp_path: Path
) -> None:
    target = load_target(core)
    graph = load(bundled.model_path())
    compiled = Recipe(target, "float32", optimize, {}).compile(graph)
    x = np.random.default_rng(0).random((1, *graph.types[graph.inputs[0]].shape)).astype(np.float32)
    compiled.write_c(tmp_path, f"costs_{optimize}_{core.replace('-', '_')}")
    counted = run(tmp_path, target, x, optimize=optimize).instructions
    assert counted is not None
    said = sum(c.instructions for c in compiled.calls.values())
    assert said == pytest.approx(counted, rel=0.25)
    bytes_said = costs.flash_bytes(compiled.calls.values(), core, optimize)
    assert bytes_said == pytest.approx(footprint(compiled).flash_bytes, rel=0.02)


def test_behind_the_set_of_the_kernel_that_is_looked_for_none_is_asked(rng) -> None:
    graph = to_integers(residual(), rng.normal(size=(20, 6, 6, 3)).astype(np.float32))

    def names(node: Node, until: str | None = None) -> list[str]:
        isas = ("arm_dsp", "portable")
        found = candidates(graph, node, isas, "speed", "ep_layer0", until=until)
        return [c.kernel for c in found]

    for node in graph.nodes:
        every = names(node)
        first = [k for k in every if k.endswith("arm_dsp")] or every
        assert names(node, until=first[-1]) == first
        assert names(node, until=every[-1]) == every


def test_every_candidate_of_a_network_is_a_call_of_its_own(rng) -> None:
    graph = load(bundled.model_path())
    for node in graph.nodes:
        calls = candidates(graph, node, ("arm_dsp", "portable"), "speed", "ep_layer0")
        assert len({c.kernel for c in calls}) == len(calls)
    both = lower(graph, ("arm_dsp", "portable"), "speed", "cortex-m4")
    assert sum(c.instructions for c in both.values()) <= sum(
        c.instructions for c in lower(graph, ("portable",), "speed", "cortex-m4").values()
    )
