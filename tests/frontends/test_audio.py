"""TFLite Micro's signal operators: its integers, frame after frame, from the file to the C."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from audio_answers import ANSWERS, FRAMES
from audio_files import FORMS, mel_bank, preprocessor, sounds
from flatbuffers import flexbuffers
from host_c import answers_of_c
from tflite_files import changed

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.from_tflite.flexbuffer import numbers
from edgeprune.ir import Array, run_steps
from edgeprune.ir.fixedpoint.audio import log_table
from edgeprune.ir.fixedpoint.fft import complex_fft
from edgeprune.ops import AudioFeatures
from edgeprune.ops.examples import audio_graph
from edgeprune.pipeline.build import build
from edgeprune.pipeline.options import BuildOptions


@pytest.mark.parametrize("name", FORMS)
def test_features_are_those_of_tflite_micro_frame_after_frame(name: str, tmp_path: Path) -> None:
    """A sweep, noise, silence, full scale, bursts: the noise that is estimated goes on and on."""
    form = FORMS[name]
    x = sounds(FRAMES, form.get("samples", 480))
    stored = np.load(ANSWERS)
    assert crc32(x.tobytes()) == stored[f"{name}/sounds"], "other sounds than were answered to"
    wanted = stored[name]
    assert len(np.unique(wanted)) > 100
    assert (x == -32768).any()
    assert not x[FRAMES // 2 - 20].any()
    graph = parse(preprocessor(**form), "m.tflite")
    assert np.array_equal(run_steps(graph, [x])[graph.results[0]], wanted)
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), wanted)


@pytest.mark.parametrize(("samples", "fft", "bands"), [(8, 8, 1), (9, 16, 3), (500, 512, 12)])
def test_the_c_is_the_reference_on_numbers_that_no_sound_has(
    samples: int, fft: int, bands: int, tmp_path: Path
) -> None:
    """Windows and gains below 0, noise of any bits, samples at both ends."""
    rng = np.random.default_rng(samples)
    graph = audio_graph(1, samples, fft, bands)
    any_of = {
        name: rng.integers(-32768, 32767, graph.constants[name].shape, np.int16, endpoint=True)
        for name in ("window", "gains")
    }
    any_of["window"][::3] = 4096
    op = graph.nodes[0].op
    assert isinstance(op, AudioFeatures)
    rules = replace(op.rules, snr_shift=18, log_scale=26)  # features between their ends
    node = replace(graph.nodes[0], op=replace(op, rules=rules))
    graph = replace(graph.with_constants(any_of), nodes=(node, *graph.nodes[1:]))
    x = rng.integers(-32768, 32767, (300, samples), np.int16, endpoint=True)
    x[::3] >>= rng.integers(0, 16, (100, 1))
    x[1::7, samples // 2] = -32768
    wanted = run_steps(graph, [x])
    assert len(np.unique(wanted["noise_next"])) > 200
    assert len(np.unique(wanted["y"])) > 60
    got = answers_of_c(graph, x, tmp_path / "c")
    assert np.array_equal(got.reshape(300, -1), wanted["y"].reshape(300, -1))


@pytest.mark.parametrize("n", [8, 16, 32, 512])
def test_the_transform_is_close_to_the_real_one(n: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.integers(-23000, 23000, (2, 5, n)).astype(np.int64)
    made = complex_fft(x)
    real = np.fft.fft(x[0] + 1j * x[1]) / n
    assert np.abs(made[0] + 1j * made[1] - real).max() < 2 * n.bit_length()


def test_the_table_of_logarithms_begins_and_ends_at_0() -> None:
    table = log_table()
    assert table[0] == table[-1] == 0
    assert table.max() == table[57] == 5641  # of signal/src/log.cc


BROKEN = {
    "no shift": (0, {}, "has no option 'shift'"),
    "shift": (0, {"shift": 16}, "has shift 16; from 0 to 15"),
    "length": (3, {"T": 7, "fft_length": 256}, "480 samples with 256 points"),
    "no power": (3, {"T": 7, "fft_length": 480}, "480 samples with 480 points"),
    "float": (3, {"T": 0, "fft_length": 512}, "another type than int16"),
    "energies": (4, {"start_index": 5, "end_index": 258}, "has end_index 258; from 5 to 257"),
    "channels": (9, {"num_channels": 39}, "operand 3 has 41 elements, not 40"),
    "scale": (13, {"input_correction_bits": 3, "output_scale": 4096}, "output_scale 4096"),
}
"""By name: the operator, what options it is given, and what is said."""


@pytest.mark.parametrize(("at", "options", "said"), BROKEN.values(), ids=BROKEN)
def test_options_that_are_not_computed_are_refused_by_name(
    at: int, options: dict[str, int], said: str
) -> None:
    def change(model: schema.ModelT) -> None:
        model.subgraphs[0].operators[at].customOptions = list(flexbuffers.Dumps(options))

    with pytest.raises(EdgePruneError, match=said):
        parse(changed(preprocessor(), change), "m.tflite")


Change = Callable[[schema.ModelT], None]


def option(at: int, name: str, value: int) -> Change:
    """An operator's option in its table."""
    return lambda model: setattr(model.subgraphs[0].operators[at].builtinOptions, name, value)


def operand(at: int, position: int, *values: int) -> Change:
    """Other contents of a constant: the first elements, or all of another count."""

    def change(model: schema.ModelT) -> None:
        graph = model.subgraphs[0]
        tensor = graph.tensors[graph.operators[at].inputs[position]]
        kind = np.int16 if tensor.type == schema.TensorType.INT16 else np.int32
        buffer = model.buffers[tensor.buffer]
        data = np.array(buffer.data, np.uint8).view(kind)
        data[: len(values)] = values
        buffer.data = data.view(np.uint8)

    return change


def reads(at: int, position: int, other: int) -> Change:
    """An operator takes what another one makes first."""

    def change(model: schema.ModelT) -> None:
        operators = model.subgraphs[0].operators
        inputs = list(operators[at].inputs)
        inputs[position] = operators[other].outputs[0]
        operators[at].inputs = inputs

    return change


def turned(at: int) -> Change:
    """An operator's operands in another order."""

    def change(model: schema.ModelT) -> None:
        op = model.subgraphs[0].operators[at]
        op.inputs = list(op.inputs)[::-1]

    return change


def sized(at: int, position: int, size: int) -> Change:
    """An operand, a constant, of so many zeros."""

    def change(model: schema.ModelT) -> None:
        graph = model.subgraphs[0]
        tensor = graph.tensors[graph.operators[at].inputs[position]]
        tensor.shape = [size]
        model.buffers[tensor.buffer].data = np.zeros(4 * size, np.uint8)

    return change


def computes(at: int, other: int) -> Change:
    """An operator is of the kind of another one."""

    def change(model: schema.ModelT) -> None:
        operators = model.subgraphs[0].operators
        operators[at].opcodeIndex = operators[other].opcodeIndex

    return change


def result(at: int, kind: str) -> Change:
    """The element type of what an operator makes."""

    def change(model: schema.ModelT) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.operators[at].outputs[0]].type = getattr(schema.TensorType, kind)

    return change


TOGETHER = "has weights and bands that do not go together"
NO_SCALING = "is no scaling that is cut to int8"
ARITHMETIC = "is no int32 arithmetic without an activation"
MISFIT: dict[str, tuple[Change, str]] = {
    "a band begins before all energies": (operand(9, 3, -2), TOGETHER),
    "a band ends behind all energies": (operand(9, 3, 256), TOGETHER),
    "a band begins before all weights": (operand(9, 4, -2), TOGETHER),
    "a band ends behind all weights": (operand(9, 4, 32000), TOGETHER),
    "a band of less than no weights": (operand(9, 5, -2), TOGETHER),
    "a band of more energies than there are": (operand(9, 5, 32767), TOGETHER),
    "a weight below 0": (operand(9, 1, -1), "has negative weights"),
    "a weight for the next band below 0": (operand(9, 2, -1), "has negative weights"),
    "nothing is cut out": (operand(6, 1, 241), "cuts energies 241 to 241 out of 257"),
    "every other one is cut out": (operand(6, 3, 2), "otherwise than side by side"),
    "where it ends is counted from where it starts": (
        option(6, "offset", 1), "counts where it ends from where it starts",
    ),
    "an axis is inserted": (option(6, "newAxisMask", 1), "inserts axes"),
    "energies are moved": (sized(7, 0, 6), "moves energies to other places"),
    "zeros are missing behind energies": (sized(7, 2, 6), "moves energies to other places"),
    "energies lie between others": (operand(7, 0, 1), "with other things than zeros"),
    "energies are clamped": (
        option(7, "fusedActivationFunction", 3), "with other things than zeros",
    ),
    "other bits": (reads(10, 1, 9), "scales by other bits than SignalFftAutoScale's"),
    "another noise": (reads(12, 1, 11), "takes another estimate of noise than its own"),
    "the first sum is clamped": (option(16, "fusedActivationFunction", 1), ARITHMETIC),
    "the second sum is clamped": (option(18, "fusedActivationFunction", 1), ARITHMETIC),
    "a product of int16": (result(15, "INT16"), ARITHMETIC),
    "a sum of int64": (result(16, "INT64"), ARITHMETIC),
    "a number divided by logarithms": (turned(17), "computes with more than a number"),
    "a sum before its division twice": (computes(15, 16), NO_SCALING),
    "another end": (operand(19, 1, 126), NO_SCALING),
    "another beginning": (operand(20, 1, -127), NO_SCALING),
    "a factor that leaves int32": (operand(15, 1, 70000), NO_SCALING),
    "a divisor below 1": (operand(17, 1, 0), NO_SCALING),
}  # fmt: skip
"""By what is wrong with a file: what makes it so, and what is said."""


@pytest.mark.parametrize(("change", "said"), MISFIT.values(), ids=MISFIT)
def test_parts_that_do_not_go_together_are_refused(change: Change, said: str) -> None:
    with pytest.raises(EdgePruneError, match=said):
        parse(changed(preprocessor(), change), "m.tflite")


@pytest.mark.parametrize(("mask", "zeros"), [("beginMask", 0), ("endMask", 2)])
def test_masks_of_what_is_cut_out_are_read(mask: str, zeros: int) -> None:
    """A cut from the first energy, or to the last one, has no zeros on that side."""

    def change(model: schema.ModelT) -> None:
        option(6, mask, 1)(model)
        joins = model.subgraphs[0].operators[7]
        joins.inputs = [v for i, v in enumerate(joins.inputs) if i != zeros]

    graph = parse(changed(preprocessor(), change), "m.tflite")
    (op,) = [n.op for n in graph.nodes if isinstance(n.op, AudioFeatures)]
    assert (op.rules.first, op.rules.last) == mel_bank(512, 40)[:2]  # as SignalEnergy has them
    with pytest.raises(UnsupportedError, match="moves energies to other places"):
        parse(changed(preprocessor(), option(6, mask, 1)), "m.tflite")


@pytest.mark.parametrize(("end", "last"), [("int16", "FilterBankLog"), ("uint32", "SquareRoot")])
def test_a_chain_that_ends_before_the_features_says_so(end: str, last: str) -> None:
    with pytest.raises(UnsupportedError, match=f"is what Signal.*{last} makes"):
        parse(preprocessor(ends_in=end), "m.tflite")


def test_an_operator_within_the_chain_that_is_no_part_of_it_is_refused() -> None:
    def change(model: schema.ModelT) -> None:
        code = model.operatorCodes[model.subgraphs[0].operators[15].opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SUB

    with pytest.raises(UnsupportedError, match="reads what SignalFilterBankLog makes"):
        parse(changed(preprocessor(), change), "m.tflite")


@pytest.mark.parametrize(("name", "hint"), [("Framer", "--hop"), ("Delay", "code of your own")])
def test_signal_operators_that_are_not_computed_say_what_to_do(name: str, hint: str) -> None:
    def change(model: schema.ModelT) -> None:
        code = next(c for c in model.operatorCodes if c.customCode == b"SignalWindow")
        code.customCode = f"Signal{name}".encode()

    with pytest.raises(UnsupportedError, match=f"Signal{name}'\\): is not computed; .*{hint}"):
        parse(changed(preprocessor(), change), "m.tflite")


def test_features_that_are_cast_to_float_are_refused() -> None:
    """As audio_preprocessor.py makes them with --output_type float32."""

    def change(model: schema.ModelT) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.operators[14].outputs[0]].type = schema.TensorType.FLOAT32

    with pytest.raises(UnsupportedError, match="reads what SignalFilterBankLog makes") as caught:
        parse(changed(preprocessor(), change), "m.tflite")
    assert "ends in int8" in str(caught.value)


def test_damaged_options_are_an_error_and_no_crash() -> None:
    whole = bytes(flexbuffers.Dumps({"T": 7, "fft_length": 512, "wide": 1 << 40, "on": True}))
    assert numbers(whole, "op") == {"T": 7, "fft_length": 512, "wide": 1 << 40, "on": 1}
    damaged = [whole[:k] for k in range(len(whole))]
    for k in range(len(whole)):
        for value in (0, 1, 127, 255):
            damaged.append(whole[:k] + bytes([value]) + whole[k + 1 :])
    for data in damaged:
        try:
            numbers(data, "op")
        except EdgePruneError:
            continue


@pytest.fixture
def ask(tmp_path: Path) -> BuildOptions:
    (tmp_path / "front.tflite").write_bytes(preprocessor())
    np.savez(tmp_path / "x.npz", x=sounds(40).astype(np.float32))
    return BuildOptions(
        tmp_path / "out", tmp_path / "front.tflite", tmp_path / "x.npz", target="host"
    )


def test_a_front_end_is_built_as_c_alone_and_the_build_says_so(ask: BuildOptions) -> None:
    made = build(ask)
    said = " ".join(made.notes)
    assert "no .tflite is written: LiteRT has no audio_features" in said
    assert "no .onnx is written: ONNX has no audio_features" in said
    assert not list(ask.out.glob("model.*"))
    assert made.report["size"]["tflite_bytes"] is None
    assert made.report["agreement"]["c_vs_tflite_mismatches"] is None
    assert made.report["agreement"]["source"]["mean_square"] == 0


@pytest.mark.parametrize(
    ("way", "x"), [("data", sounds(20) / 32768), ("test", sounds(20).astype(np.float32) + 1000)]
)
def test_sound_that_is_no_whole_numbers_of_16_bits_is_refused(
    ask: BuildOptions, tmp_path: Path, way: str, x: Array
) -> None:
    np.savez(tmp_path / "other.npz", x=x.astype(np.float32))
    with pytest.raises(EdgePruneError, match="whole numbers from -32,768 to 32,767") as caught:
        build(replace(ask, **{way: tmp_path / "other.npz"}))
    assert "32767" in caught.value.hint
    assert not ask.out.exists()


def test_the_estimate_of_noise_has_no_scale_and_its_layer_says_why_it_is_whole(
    ask: BuildOptions,
) -> None:
    report = build(ask).report
    (noise,) = report["interface"]["states"]
    assert noise["dtype"] == "int8"
    assert noise["scale"] is noise["zero_point"] is None
    assert set(report["kept_whole"].values()) == {"samples and bands of sound are kept whole"}
    assert "the model's" not in (ask.out / "c" / "front.h").read_text().split("_state;")[0][-400:]


@pytest.mark.parametrize(
    ("changes", "hint"),
    [({"emit": ("tflite",)}, "--emit c"), ({"emit": ("c", "tflm")}, "--emit c"),
     ({"target": "android", "emit": ("tflite",)}, "a core or a board")],
)  # fmt: skip
def test_files_that_cannot_hold_it_are_refused_before_any_work(
    ask: BuildOptions, changes: dict[str, object], hint: str
) -> None:
    with pytest.raises(UnsupportedError, match="LiteRT has no audio_features") as caught:
        build(replace(ask, **changes))
    assert hint in caught.value.hint
    assert not ask.out.exists()
