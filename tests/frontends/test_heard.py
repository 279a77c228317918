"""A front end joined before a network: samples in, and what the two of them answer apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audio_files import preprocessor, sounds
from host_c import answers_of_c
from op_cases import Case

from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.heard import heard
from edgeprune.ir import Array, Graph, run_int, run_steps
from edgeprune.ops import Dense, Relu
from edgeprune.pipeline.build import build
from edgeprune.pipeline.options import BuildOptions
from edgeprune.verify import run_tflite

HOP, SIZE, BANDS = 160, 480, 4


@pytest.fixture(scope="module")
def front() -> Graph:
    return parse(preprocessor(SIZE, channels=BANDS), "front.tflite")


def wave(calls: int, new: int) -> Array:
    """Samples, (calls, new)."""
    whole = sounds(2 + calls * new // HOP)
    joined = np.concatenate([whole[0], *(frame[-HOP:] for frame in whole[1:])])
    return joined[: calls * new].reshape(calls, new)


def rows_of(front: Graph, samples: Array, hop: int = HOP, size: int = SIZE) -> Array:
    """Features of every frame that ends behind another hop; silence came before."""
    whole = np.concatenate([np.zeros(size - hop, np.int16), samples.ravel()])
    starts = range(0, len(whole) - size + 1, hop)
    return run_steps(front, [np.stack([whole[s : s + size] for s in starts])])[front.results[0]]


def test_a_window_moves_on_by_a_row_in_every_call(front: Graph, tmp_path: Path) -> None:
    network = Case(Dense(), (3 * BANDS,), ((5, 3 * BANDS), (5,))).quantised()
    graph = heard(network, front, HOP)
    x = wave(60, HOP)
    rows = np.concatenate([np.full((2, BANDS), -128, np.int8), rows_of(front, x)])
    windows = np.stack([rows[i : i + 3].ravel() for i in range(len(x))])
    wanted = run_int(network, {network.inputs[0]: windows})[network.outputs[0]]
    assert len(np.unique(wanted)) > 30
    assert np.array_equal(run_steps(graph, [x])[graph.results[0]], wanted)
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), wanted)
    assert graph.state_bytes == 2 * (SIZE - HOP) + 4 * BANDS + 2 * BANDS


def test_frames_side_by_side_keep_no_samples(front: Graph, tmp_path: Path) -> None:
    network = Case(Relu(), (1, 1, BANDS)).quantised()
    graph = heard(network, front, SIZE)
    x = wave(20, SIZE)
    rows = rows_of(front, x, SIZE).reshape(20, 1, 1, BANDS)
    wanted = run_int(network, {network.inputs[0]: rows})[network.outputs[0]]
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), wanted)
    assert graph.state_bytes == 4 * BANDS


@pytest.mark.needs("EDGEPRUNE_DATA")
def test_a_wake_word_takes_samples_and_answers_as_its_parts_do(
    data_dir: Path, tmp_path: Path
) -> None:
    """Micro wake word's network keeps states: its three rows are new in every call."""
    path = data_dir / "public" / "okay_nabu_v2.tflite"
    front = parse(preprocessor(), "front.tflite")
    graph = heard(load(path), front, HOP)
    x = wave(100, 3 * HOP)
    rows = rows_of(front, x).reshape(100, 3, 40)
    wanted = run_tflite.run(path.read_bytes(), rows, signed=True)
    assert len(np.unique(wanted)) > 3
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), wanted)


@pytest.mark.parametrize(
    ("shape", "hop", "said"),
    [((3, BANDS), 481, "is 481; a frame has 480 samples"), ((3, 3), HOP, "no rows of 4 features")],
)
def test_what_does_not_go_together_is_refused(
    front: Graph, shape: tuple[int, ...], hop: int, said: str
) -> None:
    with pytest.raises(EdgePruneError, match=said):
        heard(Case(Relu(), shape).quantised(), front, hop)


def test_a_network_of_float_is_refused_with_what_to_do(front: Graph) -> None:
    with pytest.raises(EdgePruneError, match="no rows of 4 features of int8") as caught:
        heard(Case(Relu(), (BANDS,)).graph(), front, HOP)
    assert "build the network as int8 first" in caught.value.hint


def test_a_network_is_no_front_end(front: Graph) -> None:
    network = Case(Relu(), (BANDS,)).quantised()
    with pytest.raises(EdgePruneError, match="is no front end"):
        heard(network, network, HOP)
    with pytest.raises(EdgePruneError, match="is no front end"):
        heard(network, heard(network, front, HOP), HOP)


def test_a_build_takes_samples_and_proves_it(tmp_path: Path) -> None:
    from edgeprune.emit.to_tflite import emit

    network = Case(Dense(), (3, BANDS), ((5, BANDS), (5,))).quantised()
    (tmp_path / "net.tflite").write_bytes(emit(network))
    (tmp_path / "front.tflite").write_bytes(preprocessor(SIZE, channels=BANDS))
    np.savez(tmp_path / "x.npz", x=wave(60, HOP).astype(np.float32))
    ask = BuildOptions(
        tmp_path / "out", tmp_path / "net.tflite", tmp_path / "x.npz", target="host",
        frontend=tmp_path / "front.tflite", hop=HOP,
    )  # fmt: skip
    made = build(ask)
    assert made.report["interface"]["inputs"][0]["shape"] == [HOP]
    assert made.report["agreement"]["source"]["mean_square"] == 0
    assert any("own integers: nothing else runs both files" in note for note in made.notes)
    with pytest.raises(EdgePruneError, match="--hop: does nothing without --frontend"):
        BuildOptions.of(out=tmp_path, hop=HOP)
    with pytest.raises(EdgePruneError, match="--frontend: does nothing without --hop"):
        BuildOptions.of(out=tmp_path, frontend=tmp_path / "front.tflite")
    with pytest.raises(EdgePruneError, match=r"a frame has 480 samples"):
        build(replace(ask, hop=500, out=tmp_path / "other"))
    assert not (tmp_path / "other").exists()
