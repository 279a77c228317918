"""A front end joined before a network: samples in, and what the two of them answer apart."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from audio_files import preprocessor, sounds
from host_c import answers_of_c
from op_cases import Case
from tflite_files import changed

from edgeprune.emit.to_tflite import emit
from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.heard import heard, without_sound
from edgeprune.frontends.stream import streaming
from edgeprune.ir import Array, Graph, Node, run_int, run_steps
from edgeprune.ops import AudioFeatures, Conv2d, Dense, Relu, Slice
from edgeprune.pipeline.build import build
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import prepare
from edgeprune.quantize import observe, quantise
from edgeprune.verify import run_tflite
from tests.pruning.graphs import Builder

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
    [
        ((3, BANDS), 481, "is 481; a frame has 480 samples"),
        ((3, 3), HOP, "no rows of 4 features"),
        ((BANDS, 3), HOP, "no rows of 4 features"),
        ((BANDS, 3, 1), HOP, "no rows of 4 features"),
        ((2, 6), HOP, "no rows of 4 features"),
        ((2, 2, BANDS), HOP, "no rows of 4 features"),
    ],
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


@pytest.mark.parametrize("where", ["behind", "before"])
def test_what_a_front_end_cuts_itself_is_not_lost(front: Graph, where: str) -> None:
    """A file that takes half of its bands, or of its samples, is no front end of all of them."""
    node = next(n for n in front.nodes if isinstance(n.op, AudioFeatures))
    nodes, inputs = list(front.nodes), {v: front.types[v] for v in front.inputs}
    outputs, t = front.outputs, front.types[node.inputs[0]]
    if where == "behind":
        cut = Slice((2,), (BANDS,), (1,))
        nodes.append(Node("half", cut, (front.results[0],), "half"))
        outputs = ("half", *outputs[1:])
    else:
        cut = Slice((0,), (SIZE,), (1,))
        inputs = {v: k for v, k in inputs.items() if v in front.states}
        inputs = {"long": t.with_shape((2 * SIZE,)), **inputs}
        nodes.insert(0, Node("cut", cut, ("long",), node.inputs[0]))
        nodes = [n for n in nodes if n.output == node.inputs[0] or n.inputs != ("long",)]
    types = front.types
    known = {v: types[v] for v in types if v in front.producer or v == node.inputs[0]}
    known["half"] = front.types[front.results[0]].with_shape((BANDS // 2,))
    other = front.rebuilt(nodes, inputs=inputs, outputs=outputs, known=known)
    size = BANDS // 2 if where == "behind" else BANDS
    with pytest.raises(EdgePruneError, match="is no front end"):
        heard(Case(Relu(), (size,)).quantised(), other, HOP)


def convolutions() -> Graph:
    """A network over six rows whose first layer can be computed row by row."""
    b = Builder(0, x=(6, BANDS, 1))
    v = b.add(Conv2d(), "x", b.constant(2, 3, 2, 1), b.constant(2))
    last = b.add(Conv2d(), v, b.constant(5, 4, BANDS - 1, 2), b.constant(5))
    whole = b.build(last)
    real = b.rng.uniform(-1, 1, (50, 6, BANDS, 1)).astype(np.float32)
    ranges = {v: seen.range("minmax", 256) for v, seen in observe(whole, real).items()}
    return quantise(whole, ranges)


@pytest.mark.parametrize("offset", [-128, -64])
def test_a_stream_behind_a_front_end_answers_as_its_window_from_the_first_call(
    offset: int, tmp_path: Path
) -> None:
    """Silence came before both of them, whatever number of the features that is."""

    def change(model: schema.ModelT) -> None:
        graph = model.subgraphs[0]
        number = graph.tensors[graph.operators[18].inputs[1]]
        model.buffers[number.buffer].data = np.array([offset], np.int32).view(np.uint8)

    front = parse(changed(preprocessor(SIZE, channels=BANDS), change), "front.tflite")
    network = convolutions()
    x = wave(40, HOP)
    window = heard(network, front, HOP)
    wanted = run_steps(window, [x])[window.results[0]]
    stream = streaming(network, without_sound(network, front))
    assert stream.states
    graph = heard(stream, front, HOP)
    made = run_steps(graph, [x])[graph.results[0]]
    assert len(np.unique(wanted)) > 20
    assert np.array_equal(made, wanted)
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), wanted)
    rows = rows_of(front, np.zeros((1, HOP), np.int16))
    assert (rows == offset).all()


def test_a_build_of_a_stream_begins_with_silence_too(front: Graph, tmp_path: Path) -> None:
    network = convolutions()
    (tmp_path / "net.tflite").write_bytes(emit(network))
    (tmp_path / "front.tflite").write_bytes(preprocessor(SIZE, channels=BANDS))
    x = wave(40, HOP)
    np.savez(tmp_path / "x.npz", x=x)
    ask = BuildOptions(
        tmp_path / "out", tmp_path / "net.tflite", tmp_path / "x.npz", target="host",
        frontend=tmp_path / "front.tflite", hop=HOP, stream=True,
    )  # fmt: skip
    made, window = prepare(ask, needs_data=False).graph, heard(network, front, HOP)
    assert made.macs < window.macs
    wanted = run_steps(window, [x])[window.results[0]]
    assert np.array_equal(run_steps(made, [x])[made.results[0]], wanted)


def test_what_both_files_have_to_say_is_kept(front: Graph) -> None:
    network = replace(Case(Relu(), (BANDS,)).quantised(), notes=("one",))
    assert heard(network, replace(front, notes=("two",)), HOP).notes == ("one", "two")


def test_a_build_takes_samples_and_proves_it(tmp_path: Path) -> None:
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
    digest = hashlib.sha256((tmp_path / "front.tflite").read_bytes()).hexdigest()
    assert made.report["model"]["frontend"] == {"path": "front.tflite", "sha256": digest}
    assert any("own integers: nothing else runs both files" in note for note in made.notes)
    with pytest.raises(EdgePruneError, match="--hop: does nothing without --frontend"):
        BuildOptions.of(out=tmp_path, hop=HOP)
    with pytest.raises(EdgePruneError, match="--frontend: does nothing without --hop"):
        BuildOptions.of(out=tmp_path, frontend=tmp_path / "front.tflite")
    with pytest.raises(EdgePruneError, match=r"a frame has 480 samples"):
        build(replace(ask, hop=500, out=tmp_path / "other"))
    assert not (tmp_path / "other").exists()
