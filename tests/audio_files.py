"""TFLite files of TFLite Micro's signal operators, as its audio_preprocessor.py makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from ai_edge_litert import schema_py_generated as s
from flatbuffers import flexbuffers
from tflite_files import packed

from edgeprune.ir.types import Array

TYPES = {
    "int8": s.TensorType.INT8, "int16": s.TensorType.INT16, "int32": s.TensorType.INT32,
    "uint32": s.TensorType.UINT32, "uint64": s.TensorType.UINT64, "float32": s.TensorType.FLOAT32,
}  # fmt: skip
RATE, LOW, HIGH = 16000, 125.0, 7500.0
PARTS = 12  # fractional bits of the window and of weights
SUBTRACTION = {
    "alternate_one_minus_smoothing": 16384 - 983, "alternate_smoothing": 983, "clamping": False,
    "min_signal_remaining": 819, "num_channels": 40, "one_minus_smoothing": 16384 - 409,
    "smoothing": 409, "smoothing_bits": 10, "spectral_subtraction_bits": 14,
}  # fmt: skip


def hann(n: int) -> Array:
    """A window of int16."""
    phase = 2 * np.pi * (np.arange(n) + 0.5) / n
    return np.floor((0.5 - 0.5 * np.cos(phase)) * (1 << PARTS) + 0.5).astype(np.int16)


def mel(hertz: Array) -> Array:
    """Hertz on the mel scale."""
    return np.asarray(1127 * np.log1p(hertz / 700))


def mel_bank(fft: int, channels: int) -> tuple[int, int, list[Array]]:
    """First energy, the one behind the last, and weights, unweights, starts, weight starts, widths.

    Groups begin at even places and have an even number of weights, some of them 0.
    """
    step = RATE / 2 / (fft // 2)
    edges = mel(np.array(LOW)) + (mel(np.array(HIGH)) - mel(np.array(LOW))) / (channels + 1) * (
        np.arange(channels + 2)
    )
    at = round(1 + LOW / step)
    first, weights, unweights, bands = at, [], [], []
    for below, above in pairwise(edges.tolist()):
        end = at
        while mel(np.array(end * step)) <= above:
            end += 1
        start = at // 2 * 2
        width = max(2, -(-(end - start) // 2) * 2)
        bands.append((start, len(weights), width))
        for k in range(start, start + width):
            share = float((above - mel(np.array(k * step))) / (above - below))
            inside = at <= k < end
            weights.append(int(share * (1 << PARTS)) if inside else 0)
            unweights.append(int((1 - share) * (1 << PARTS)) if inside else 0)
        at = end
    held = [weights, unweights, *zip(*bands, strict=True)]
    return first, at, [np.array(h, np.int16) for h in held]


def gain_table(strength: float = 0.95, offset: float = 80.0, bits: int = 21) -> Array:
    """PCAN's gains by noise: parabolas through three points of each power of two."""

    def gain(x: int) -> int:
        return min(32767, int(2**bits * (x / 2**7 + offset) ** -strength + 0.5))

    table = [gain(0), gain(1)]
    for k in range(2, 33):
        x = 1 << (k - 1)
        y = [gain(p) for p in (x, x + x // 2, 2 * x - (k == 32))]
        slope = 4 * (y[1] - y[0]) - (y[2] - y[0])
        table += [y[0], slope, y[2] - y[0] - slope, 0]
    return np.array(table[:125], np.int16)


class Maker:
    """Collects tensors and operators of a file."""

    def __init__(self) -> None:
        self.model = s.ModelT()
        self.model.version = 3
        self.model.operatorCodes, self.model.buffers = [], [s.BufferT()]
        self.graph = s.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]

    def value(self, shape: Sequence[int], dtype: str, data: Array | None = None) -> int:
        """A tensor's number."""
        t = s.TensorT()
        t.name, t.shape, t.type, t.buffer = (
            f"t{len(self.graph.tensors)}", list(shape), TYPES[dtype], 0,
        )  # fmt: skip
        if data is not None:
            buffer = s.BufferT()
            buffer.data = np.frombuffer(np.asarray(data, dtype).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            t.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def constant(self, data: object, dtype: str = "int32") -> int:
        """A tensor with contents."""
        held = np.array(data, dtype)
        return self.value(held.shape, dtype, held)

    def op(
        self,
        name: str,
        inputs: Sequence[int],
        *results: tuple[Sequence[int], str],
        custom: Mapping[str, object] | None = None,
        **options: object,
    ) -> list[int]:
        """An operator; numbers of its results."""
        code, op = s.OperatorCodeT(), s.OperatorT()
        builtin = getattr(s.BuiltinOperator, name, None)
        number = s.BuiltinOperator.CUSTOM if builtin is None else builtin
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
        if builtin is None:
            code.customCode = name
            op.customOptions = list(flexbuffers.Dumps(dict(custom or {})))
        op.opcodeIndex = len(self.model.operatorCodes)
        self.model.operatorCodes.append(code)
        op.inputs = list(inputs)
        op.outputs = [self.value(*r) for r in results]
        if (table := options.pop("table", None)) is not None:
            op.builtinOptionsType = getattr(s.BuiltinOptions, str(table))
            op.builtinOptions = getattr(s, f"{table}T")()
            for k, v in options.items():
                setattr(op.builtinOptions, k, v)
        self.graph.operators.append(op)
        return list(op.outputs)

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file."""
        self.graph.inputs, self.graph.outputs = list(inputs), list(outputs)
        return packed(self.model)


def preprocessor(
    samples: int = 480,
    fft: int = 512,
    channels: int = 40,
    *,
    zeroes: bool = True,
    ends_in: str = "int8",
    log_scale: int = 64,
    **changed: object,
) -> bytes:
    """A front end from samples (1, n) of int16 to features (channels,).

    Args:
        samples: of a frame.
        fft: points of the transform.
        channels: bands.
        zeroes: whether energies that are not computed are set to 0 by operators of their own.
        ends_in: "int8"; "int16": what the logarithm gives; or "uint32": roots.
        log_scale: of the logarithm.
        changed: options of the spectral subtraction.
    """
    m = Maker()
    x = m.value((1, samples), "int16")
    window = m.constant(hann(samples), "int16")
    (v,) = m.op("SignalWindow", [x, window], ((1, samples), "int16"), custom={"shift": PARTS})
    (v,) = m.op("RESHAPE", [v, m.constant([-1])], ((samples,), "int16"))
    v, bits = m.op("SignalFftAutoScale", [v], ((samples,), "int16"), ((), "int32"))
    points = fft // 2 + 1
    options = {"T": s.TensorType.INT16, "fft_length": fft}
    (v,) = m.op("SignalRfft", [v], ((2 * points,), "int16"), custom=options)
    first, last, bank = mel_bank(fft, channels)
    ends = {"end_index": last, "start_index": first}
    (v,) = m.op("SignalEnergy", [v], ((points,), "uint32"), custom=ends)
    if zeroes:
        v = _zeroed(m, v, points, first, last)
    held = [m.constant(b, "int16") for b in bank]
    count = {"num_channels": channels}
    (v,) = m.op("SignalFilterBank", [v, *held], ((channels,), "uint64"), custom=count)
    c = ((channels,), "uint32")
    (v,) = m.op("SignalFilterBankSquareRoot", [v, bits], c)
    if ends_in == "uint32":
        return m.finish([x], [v])
    shares = SUBTRACTION | {"num_channels": channels} | changed
    v, noise = m.op("SignalFilterBankSpectralSubtraction", [v], c, c, custom=shares)
    gains = m.constant(gain_table(), "int16")
    (v,) = m.op("SignalPCAN", [v, noise, gains], c, custom={"snr_shift": 6})
    options = {"input_correction_bits": fft.bit_length() - 1 - 6, "output_scale": log_scale}
    (v,) = m.op("SignalFilterBankLog", [v], ((channels,), "int16"), custom=options)
    return m.finish([x], [v if ends_in == "int16" else _scaled(m, v, channels)])


def _zeroed(m: Maker, v: int, points: int, first: int, last: int) -> int:
    """CAST, STRIDED_SLICE, CONCATENATION with zeros, CAST."""
    (v,) = m.op("CAST", [v], ((points,), "int32"), table="CastOptions")
    box = [m.constant([n]) for n in (first, last, 1)]
    (v,) = m.op("STRIDED_SLICE", [v, *box], ((last - first,), "int32"), table="StridedSliceOptions")
    parts = [m.constant(np.zeros(first)), v, m.constant(np.zeros(points - last))]
    (v,) = m.op("CONCATENATION", parts, ((points,), "int32"), table="ConcatenationOptions", axis=0)
    (v,) = m.op("CAST", [v], ((points,), "uint32"), table="CastOptions")
    return v


def _scaled(m: Maker, v: int, channels: int) -> int:
    """(v * 256 + 333) / 666 - 128 in int32, as int8."""
    c = ((channels,), "int32")
    (v,) = m.op("CAST", [v], c, table="CastOptions")
    (v,) = m.op("MUL", [v, m.constant(256)], c, table="MulOptions")
    (v,) = m.op("ADD", [v, m.constant(333)], c, table="AddOptions")
    (v,) = m.op("DIV", [v, m.constant(666)], c, table="DivOptions")
    (v,) = m.op("ADD", [v, m.constant(-128)], c, table="AddOptions")
    (v,) = m.op("MINIMUM", [v, m.constant(127)], c, table="MaximumMinimumOptions")
    (v,) = m.op("MAXIMUM", [v, m.constant(-128)], c, table="MaximumMinimumOptions")
    (v,) = m.op("CAST", [v], ((channels,), "int8"), table="CastOptions")
    return v


def sounds(frames: int, samples: int = 480, hop: int = 160, seed: int = 0) -> Array:
    """Frames of int16: a sweep, noise, silence, steps at full scale, speech-like bursts."""
    rng = np.random.default_rng(seed)
    n = (frames - 1) * hop + samples
    t = np.arange(n) / RATE
    sweep = 8000 * np.sin(2 * np.pi * (100 * t + 3700 * t**2 / t[-1]))
    noise = rng.normal(0, 500, n)
    bursts = (np.sin(2 * np.pi * 3 * t) > 0) * rng.normal(0, 4000, n)
    full = 40000 * np.sign(np.sin(2 * np.pi * 440 * t))
    part = np.arange(n) * 6 // n
    whole = np.choose(part, [sweep, noise, 0 * t, full, bursts, sweep + noise + bursts])
    whole = np.clip(np.round(whole), -32768, 32767).astype(np.int16)
    return np.stack([whole[i * hop : i * hop + samples] for i in range(frames)])


FORMS: dict[str, dict[str, object]] = {
    "tflm": {},
    "odd": {"samples": 250, "fft": 256, "channels": 24, "zeroes": False},
    "clamping": {"samples": 400, "channels": 32, "clamping": True, "log_scale": 50},
}
"""Front ends: that of tflite-micro's micro_speech; a transform of an odd power of two halves."""
