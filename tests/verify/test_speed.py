"""What runs outside the delegate is seen, and two files are timed side by side."""

from __future__ import annotations

import pytest

from edgeprune.emit import to_tflite
from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph
from edgeprune.ops import Dense, Gather
from edgeprune.ops.examples import example_graph
from edgeprune.pipeline.values import parse_speedup
from edgeprune.verify import speed
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
    times = iter([4.0, 1.0, 2.0, 7.0, *[9.0, 8.0] * speed._ROUNDS])
    monkeypatch.setattr(speed._Run, "milliseconds", lambda self: next(times))
    file = to_tflite.emit(dense(16, 8))
    found = speed.speed(file, file)
    assert found == Speed(2.0, 1.0)
    assert found.ratio == 2.0


@pytest.mark.parametrize("text", ["1x", "0.5", "fast", "-2x", "1e9"])
def test_what_is_no_speed_up_is_refused(text: str) -> None:
    with pytest.raises(EdgePruneError, match="--speedup"):
        parse_speedup(text)
    assert parse_speedup("2x") == parse_speedup("2.0") == 2.0
