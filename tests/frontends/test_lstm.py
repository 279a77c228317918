"""TFLite's fused LSTM of int8: LiteRT's integers, call after call, in every artifact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from host_c import answers_of_c
from tflite_files import Step, Value, constant, file_of, packed

from edgeprune.emit.to_tflite import emit
from edgeprune.errors import CannotFitError, UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_tflite import parse
from edgeprune.ir import Graph, QuantParams, run_steps
from edgeprune.ir.fixedpoint import lstm as rules
from edgeprune.pipeline.build import build
from edgeprune.pipeline.options import BuildOptions
from edgeprune.toolchain.cmodel import read_model
from edgeprune.verify import run_tflite

STEPS, INPUTS, UNITS = 5, 6, 7
X, H, C, Y = 0, 13, 14, 15
NAME = "UNIDIRECTIONAL_SEQUENCE_LSTM"


def lstm(
    seed: int,
    *,
    clip: float = 0.0,
    cell: float = 2.0**-12,
    steps: int = STEPS,
    opens: bool = False,
    **changed: int,
) -> bytes:
    """A file of one layer with random weights; ``changed`` are fields of its options.

    ``opens``: all gates are open at any time, so that the cell rises without an end.
    """
    rng = np.random.default_rng(seed)

    def weights(columns: int) -> list[Value]:
        shape = (UNITS, columns)
        return [
            constant(
                rng.integers(-127, 128, shape).astype(np.int8),
                QuantParams.of(float(rng.uniform(0.002, 0.02)) * (0.05 if opens else 1.0)),
            )
            for _ in range(4)
        ]

    held = QuantParams.of(0.008, int(rng.integers(-20, 20)) if seed else 0)
    taken = QuantParams.of(0.03, int(rng.integers(-128, 128)))
    w, r = weights(INPUTS), weights(UNITS)
    bias = [
        constant(
            (rng.integers(-9000, 9000, UNITS) + opens * round(6 / s)).astype(np.int32),
            QuantParams.of(s),
        )
        for s in (taken.scale[0] * v.quant.scale[0] for v in w)
    ]
    values = [
        Value((1, steps, INPUTS), "int8", taken), *w, *r, *bias,
        Value((1, UNITS), "int8", held), Value((1, UNITS), "int16", QuantParams.of(cell)),
        Value((1, steps, UNITS), "int8", held),
        *[Value((0,), "float32")] * 4, Value((0,), "int8", held),
    ]  # fmt: skip
    order = [X, *range(1, 9), -1, -1, -1, *range(9, 13), -1, -1, H, C, -1, -1, -1, -1]
    options = {"fusedActivationFunction": 4, "cellClip": clip, **changed}
    step = Step(NAME, order, Y, options, "UnidirectionalSequenceLSTMOptions")
    model = schema.ModelT.InitFromPackedBuf(file_of(values, [step], [X], [Y]))
    graph = model.subgraphs[0]
    graph.operators[0].intermediates = list(range(Y + 1, Y + 6))
    for number in (H, C):
        graph.tensors[number].isVariable = True
    return packed(model)


@pytest.mark.parametrize(
    ("seed", "clip", "cell", "steps"),
    [(0, 0.0, 2.0**-12, STEPS), (1, 2.5, 2.0**-12, STEPS), (2, 10.0, 2.0**-15, 1),
     (3, 0.0, 2.0**-9, 1)],
)  # fmt: skip
def test_every_artifact_is_litert_over_a_thousand_calls(
    seed: int, clip: float, cell: float, steps: int, tmp_path: Path
) -> None:
    """States, and the cell among them, go on from call to call."""
    content = lstm(seed, clip=clip, cell=cell, steps=steps)
    x = np.random.default_rng(seed).integers(-128, 128, (1000, steps, INPUTS)).astype(np.int8)
    wanted = run_tflite.run(content, x)
    assert len(np.unique(wanted)) > 100
    graph = parse(content, "m.tflite")
    written = emit(graph)
    assert np.array_equal(run_steps(graph, [x[:60]])[graph.results[0]], wanted[:60])
    assert np.array_equal(run_tflite.run(written, x), wanted)
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), wanted)
    model = schema.ModelT.InitFromPackedBuf(written)
    assert [code.version for code in model.operatorCodes] == [1], "as TensorFlow says of all int8"
    held = model.subgraphs
    assert len(held) == 1, "no resource variables beside the operator's own"
    assert len(held[0].operators) == 1


@pytest.mark.parametrize("cell", [2.0**-10, 2.0**-9])
def test_a_cell_beyond_what_powers_of_e_reach_is_litert_s(cell: float, tmp_path: Path) -> None:
    """exp(-32) is nothing: from there on it was that of the rest, or what lay behind the table."""
    content = lstm(1, cell=cell, steps=1, opens=True)
    x = np.random.default_rng(1).integers(-128, 128, (120, 1, INPUTS)).astype(np.int8)
    wanted = run_tflite.run(content, x)
    graph = parse(content, "m.tflite")
    assert np.array_equal(run_steps(graph, [x])[graph.results[0]], wanted)
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), wanted)


def test_functions_of_sixteen_bits_are_close_to_the_real_ones() -> None:
    x = np.arange(-32768, 32768)
    real = x * 2.0**-12
    assert np.abs(rules.logistic(x) / 2**15 - 1 / (1 + np.exp(-real))).max() < 2e-4
    assert np.abs(rules.tanh(x, 3) / 2**15 - np.tanh(real)).max() < 5e-4
    assert np.abs(rules.tanh(x, 0) / 2**15 - np.tanh(x / 2**15)).max() < 5e-4


@pytest.mark.parametrize(
    ("options", "said"),
    [({"timeMajor": 1}, "steps in front"), ({"fusedActivationFunction": 1}, "than tanh"),
     ({"cell": 0.0003}, "no power of two")],
)  # fmt: skip
def test_forms_that_are_not_computed_are_refused_by_what_they_are(
    options: dict[str, float], said: str
) -> None:
    with pytest.raises(UnsupportedError, match=said):
        parse(lstm(0, **options), "m.tflite")


def test_its_states_are_no_output_of_the_written_file() -> None:
    graph = parse(lstm(0), "m.tflite")
    other = Graph(
        graph.name, graph.nodes, graph.inputs, (*graph.outputs, graph.nodes[0].output),
        graph.types, graph.constants, graph.ports,
    )  # fmt: skip
    with pytest.raises(UnsupportedError, match="keeps its states to itself"):
        emit(other)


@pytest.fixture
def ask(tmp_path: Path) -> BuildOptions:
    """A build of one layer, with samples."""
    (tmp_path / "m.tflite").write_bytes(lstm(0))
    x = np.random.default_rng(0).normal(size=(40, STEPS, INPUTS)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    return BuildOptions(
        tmp_path / "out", tmp_path / "m.tflite", tmp_path / "x.npz", target="host",
        emit=("c", "tflite"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "option"),
    [({"budget": 100}, "--budget"), ({"ram": 10}, "--ram"), ({"max_macs": 10}, "--max-macs"),
     ({"budget": 100, "dtype": "float32"}, "--budget"), ({"ram": 10, "dtype": "mixed"}, "--ram"),
     ({"speedup": 2, "target": "android", "emit": ("tflite",)}, "--speedup")],
)  # fmt: skip
def test_a_limit_that_is_not_met_says_what_the_unpruned_network_takes(
    ask: BuildOptions, limits: dict[str, object], option: str
) -> None:
    with pytest.raises(CannotFitError, match=r"not pruned, .*; it takes \d") as caught:
        build(replace(ask, **limits))
    assert caught.value.where == option
    assert not ask.out.exists()


def test_the_integers_of_the_file_are_kept_whatever_type_is_asked_for(ask: BuildOptions) -> None:
    limits = {"budget": 1_000_000, "ram": 1_000_000, "keep_ratio": 0.5}  # no channel may go
    made = build(replace(ask, dtype="float32", **limits))
    assert read_model(made.out / "c").inputs.dtypes == ("int8",)
    assert any("--dtype float32 changes nothing" in note for note in made.notes)


@pytest.mark.parametrize(
    ("emit", "others"),
    [("onnx", "c,tflite"), ("ort", "c,tflite"), ("onnx,ort", "c,tflite"), ("c,ort", "c")],
)
def test_files_of_onnx_are_refused_before_any_work(
    ask: BuildOptions, emit: str, others: str
) -> None:
    steps: list[str] = []
    with pytest.raises(
        UnsupportedError, match=r"ONNX has no lstm with these integers \("
    ) as caught:
        build(replace(ask, emit=tuple(emit.split(","))), lambda step, *_: steps.append(step))
    assert caught.value.hint == f"--emit {others}"
    assert set(steps) == {"load"}


def test_an_onnx_among_other_files_is_left_out_with_a_note(ask: BuildOptions) -> None:
    made = build(replace(ask, emit=("c", "onnx")))
    assert not (made.out / "model.onnx").exists()
    assert any("ONNX has no lstm with these integers (" in note for note in made.notes)


@pytest.mark.needs("avr-gcc", "qemu-system-avr")
def test_it_runs_on_cores_whose_constants_lie_in_flash_of_their_own(ask: BuildOptions) -> None:
    made = build(replace(ask, target="arduino-mega-2560"))
    assert made.report["agreement"]["target_vs_host_mismatches"] == 0


@pytest.mark.needs("EDGEPRUNE_DATA")
def test_a_public_model_answers_as_litert_does(data_dir: Path, tmp_path: Path) -> None:
    path = data_dir / "public" / "trained_lstm_int8.tflite"
    x = np.random.default_rng(0).integers(-128, 128, (1000, 28, 28)).astype(np.int8)
    wanted = run_tflite.run(path.read_bytes(), x)
    graph = load(path)
    assert np.array_equal(run_steps(graph, [x[:20]])[graph.results[0]], wanted[:20])
    assert np.array_equal(run_tflite.run(emit(graph), x), wanted)
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), wanted)
