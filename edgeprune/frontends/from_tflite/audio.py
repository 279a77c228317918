"""TFLite Micro's signal operators: from samples of sound to features, one operator in the graph.

The chain is the one that tflite-micro's ``audio_preprocessor.py`` makes: SignalWindow,
SignalFftAutoScale, SignalRfft, SignalEnergy, SignalFilterBank, SignalFilterBankSquareRoot,
SignalFilterBankSpectralSubtraction, SignalPCAN, SignalFilterBankLog, then int32 arithmetic to int8.
What each takes of the others is between them alone; options are those of ``signal/micro/kernels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator
from edgeprune.frontends.from_tflite.flexbuffer import numbers
from edgeprune.frontends.from_tflite.moves import strided_box
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import Array, DType, QuantParams, TensorType
from edgeprune.ir.fixedpoint.audio import GAINS, Rules
from edgeprune.ops import AudioFeatures, Reshape, Slice

INT16 = 7  # TensorType in the schema
MOST_POINTS, LEAST_POINTS = 4096, 8
BANK = ("weights", "unweights", "starts", "weight starts", "widths")
CHAIN = (
    "Window", "FftAutoScale", "Rfft", "Energy", "FilterBank", "FilterBankSquareRoot",
    "FilterBankSpectralSubtraction", "PCAN", "FilterBankLog",
)  # fmt: skip
OPERATORS = {f"CUSTOM 'Signal{name}'": name for name in CHAIN}
RESHAPED = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")
ARITHMETIC = ("MUL", "ADD", "DIV", "MINIMUM", "MAXIMUM")
SOUND = "a front end makes features; sound from sound is computed by code of your own"
BEYOND = {
    "Framer": "begin behind it: the input is one frame, and --hop says how far frames are apart",
    "Stacker": "end in front of it: --frontend keeps the rows that the network reads",
    "Delay": SOUND,
    "Irfft": SOUND,
    "OverlapAdd": SOUND,
}
"""Signal operators that are not computed, and what to do without them."""
HINT = "what is read is the chain of tflite-micro's audio_preprocessor.py, which ends in int8"


@dataclass(frozen=True)
class Sound:
    """What a tensor of the chain is made of.

    Attributes:
        source: the value that has the samples.
        size: of a frame.
        stage: the last operator of the chain.
        numbers: of the operators so far, as :class:`Rules` calls them.
        tables: of the operators so far.
        beside: the second result of an operator, which a later one takes: its tensor.
        cut: of energies that are cut out, where they begin and end.
        steps: arithmetic behind the chain.
    """

    source: str
    size: int
    stage: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, Array] = field(default_factory=dict)
    beside: int = -1
    cut: tuple[int, int] | None = None
    steps: tuple[tuple[str, int], ...] = ()

    def with_(self, **numbers: int) -> Sound:
        """The same with more numbers."""
        return replace(self, numbers={**self.numbers, **numbers})


def follow(r: Reader, op: Operator) -> bool:
    """Take note of an operator of the chain, or read its end; whether it is one."""
    name = op.name.removeprefix("CUSTOM 'Signal").removesuffix("'")
    if op.name != name and name in BEYOND:
        raise UnsupportedError(r.where(op), f"is not computed; {BEYOND[name]}")
    if op.name in OPERATORS:
        _signal(r, op, OPERATORS[op.name])
        return True
    places = [i for i, number in enumerate(op.inputs) if number in r.sound]
    if not places:
        return False
    sound = r.sound[op.inputs[places[0]]]
    if op.name == "CAST" and sound.stage == CHAIN[-1] and r.result(op).dtype is DType.INT8:
        _end(r, op, sound)
    elif places == [0] and (op.name in RESHAPED or _widens(r, op, sound)):
        r.sound[op.outputs[0]] = sound
    elif places == [0] and op.name == "STRIDED_SLICE" and _is_whole(sound):
        r.sound[op.outputs[0]] = _cut(r, op, sound)
    elif op.name == "CONCATENATION" and sound.cut is not None and len(places) == 1:
        r.sound[op.outputs[0]] = _filled(r, op, sound, places[0])
    elif op.name in ARITHMETIC and sound.stage == CHAIN[-1]:
        r.sound[op.outputs[0]] = _arithmetic(r, op, sound, places)
    else:
        raise UnsupportedError(r.where(op), f"reads what Signal{sound.stage} makes", HINT)
    return True


def _widens(r: Reader, op: Operator, sound: Sound) -> bool:
    """Whether it casts to 32 bits: energies, which stay below 2^31, or logarithms."""
    t = r.result(op)
    wide = t.dtype is DType.INT32 or (sound.stage == "Energy" and "UINT32" in t.refused)
    return op.name == "CAST" and sound.stage in ("Energy", CHAIN[-1]) and wide


def _is_whole(sound: Sound) -> bool:
    """Whether it is all energies."""
    return sound.stage == "Energy" and sound.cut is None


def _signal(r: Reader, op: Operator, name: str) -> None:
    """An operator of the chain."""
    given = numbers(op.custom, r.where(op)) if op.custom else {}
    position = CHAIN.index(name)
    if position == 0:
        sound = _samples(r, op)
    else:
        found = r.sound.get(op.inputs[0]) if op.inputs else None
        if found is None or found.stage != CHAIN[position - 1] or found.cut is not None:
            what = f"does not read what Signal{CHAIN[position - 1]} makes"
            raise UnsupportedError(r.where(op), what, HINT)
        sound = found
    made = replace(READ[name](r, op, sound, given), stage=name)
    if len(op.outputs) > 1:
        made = replace(made, beside=op.outputs[1])
    r.sound[op.outputs[0]] = made


def _samples(r: Reader, op: Operator) -> Sound:
    t = r.operand(op, 0)
    if t.name not in r.known or t.dtype is not DType.INT16:
        raise UnsupportedError(r.where(op), "windows what are no computed int16 samples", HINT)
    return Sound(t.name, r.known[t.name].size)


def _number(
    r: Reader, op: Operator, given: Mapping[str, int], name: str, most: int, least: int = 0
) -> int:
    """An option that must lie within bounds."""
    if name not in given:
        raise EdgePruneError(r.where(op), f"has no option {name!r}")
    if not least <= given[name] <= most:
        what = f"has {name} {given[name]}; from {least} to {most} is computed"
        raise UnsupportedError(r.where(op), what)
    return given[name]


def _table(r: Reader, op: Operator, position: int, size: int | None = None) -> Array:
    """A constant of int16 with one axis."""
    data = r.constant(op, position)
    if data is None or data.dtype != np.int16 or data.ndim != 1:
        raise UnsupportedError(r.where(op), f"operand {position} is no constant of int16")
    if size is not None and data.size != size:
        raise EdgePruneError(
            r.where(op), f"operand {position} has {data.size} elements, not {size}"
        )
    return data


def _window(r: Reader, op: Operator, sound: Sound, given: Mapping[str, int]) -> Sound:
    held = {"window": _table(r, op, 1, sound.size)}
    return replace(sound, tables=held).with_(window_shift=_number(r, op, given, "shift", 15))


def _scale(r: Reader, op: Operator, sound: Sound, given: Mapping[str, int]) -> Sound:
    if len(op.outputs) != 2:
        raise EdgePruneError(r.where(op), f"has {len(op.outputs)} results, not 2")
    return sound


def _rfft(r: Reader, op: Operator, sound: Sound, given: Mapping[str, int]) -> Sound:
    n = _number(r, op, given, "fft_length", MOST_POINTS, LEAST_POINTS)
    if given.get("T") != INT16:
        raise UnsupportedError(r.where(op), "transforms another type than int16")
    if n & (n - 1) or n < sound.size:
        what = f"transforms {sound.size} samples with {n} points"
        raise UnsupportedError(r.where(op), what, "a power of two, no less than samples")
    return sound.with_(fft=n)


def _energy(r: Reader, op: Operator, sound: Sound, given: Mapping[str, int]) -> Sound:
    points = sound.numbers["fft"] // 2 + 1
    first = _number(r, op, given, "start_index", points)
    return sound.with_(first=first, last=_number(r, op, given, "end_index", points, first))


def _cut(r: Reader, op: Operator, sound: Sound) -> Sound:
    """Energies that are cut out of all."""
    points = sound.numbers["fft"] // 2 + 1
    (box,) = strided_box(r, op, (points,))
    if box.step != 1:
        raise UnsupportedError(r.where(op), "cuts energies out otherwise than side by side", HINT)
    if box.start >= box.stop:
        what = f"cuts energies {box.start} to {box.stop} out of {points}"
        raise UnsupportedError(r.where(op), what)
    return replace(sound, cut=(box.start, box.stop))


def _filled(r: Reader, op: Operator, sound: Sound, place: int) -> Sound:
    """Energies that were cut out, back at their places between zeros."""
    zeros = [r.constant(op, p) for p in range(len(op.inputs)) if p != place]
    if any(z is None or z.any() for z in zeros) or r.clamp(op, 1) is not None:
        raise UnsupportedError(r.where(op), "joins energies with other things than zeros", HINT)
    sizes = [0 if z is None else z.size for z in zeros]
    assert sound.cut is not None
    (start, stop), points = sound.cut, sound.numbers["fft"] // 2 + 1
    if sum(sizes[:place]) != start or sum(sizes[place:]) != points - stop:
        raise UnsupportedError(r.where(op), "moves energies to other places", HINT)
    first, last = max(start, sound.numbers["first"]), min(stop, sound.numbers["last"])
    return replace(sound, cut=None).with_(first=first, last=max(first, last))


def _bank(r: Reader, op: Operator, sound: Sound, given: Mapping[str, int]) -> Sound:
    c = _number(r, op, given, "num_channels", 1 << 12, 1)
    weights, unweights, *groups = (
        _table(r, op, i + 1, c + 1 if i >= 2 else None) for i in range(len(BANK))
    )
    bands, points = np.stack(groups), sound.numbers["fft"] // 2 + 1
    fits = weights.shape == unweights.shape and bands.min() >= 0
    ends = bands[:2].astype(int) + bands[2]
    if not fits or ends[0].max() > points or ends[1].max() > weights.size:
        raise EdgePruneError(r.where(op), "has weights and bands that do not go together")
    if min(weights.min(initial=0), unweights.min(initial=0)) < 0:
        raise UnsupportedError(r.where(op), "has negative weights")
    held = {"bank": np.stack([weights, unweights]), "bands": bands}
    return replace(sound, tables={**sound.tables, **held})


def _root(r: Reader, op: Operator, sound: Sound, given: Mapping[str, int]) -> Sound:
    if len(op.inputs) != 2 or op.inputs[1] != sound.beside:
        raise UnsupportedError(r.where(op), "scales by other bits than SignalFftAutoScale's", HINT)
    return sound


def _subtraction(r: Reader, op: Operator, sound: Sound, given: Mapping[str, int]) -> Sound:
    if len(op.outputs) != 2 or given.get("num_channels") != sound.tables["bands"].shape[1] - 1:
        raise EdgePruneError(r.where(op), "has results, or channels, that do not go together")
    names = {
        "smoothing": "smoothing", "kept": "one_minus_smoothing",
        "odd_smoothing": "alternate_smoothing", "odd_kept": "alternate_one_minus_smoothing",
        "floor": "min_signal_remaining",
    }  # fmt: skip
    shares = {ours: _number(r, op, given, name, 1 << 16) for ours, name in names.items()}
    return sound.with_(
        **shares,
        share_bits=_number(r, op, given, "spectral_subtraction_bits", 16),
        noise_bits=_number(r, op, given, "smoothing_bits", 16),
        clamps=_number(r, op, given, "clamping", 1),
    )


def _pcan(r: Reader, op: Operator, sound: Sound, given: Mapping[str, int]) -> Sound:
    if len(op.inputs) != 3 or op.inputs[1] != sound.beside:
        raise UnsupportedError(r.where(op), "takes another estimate of noise than its own", HINT)
    held = {**sound.tables, "gains": _table(r, op, 2, GAINS)}
    return replace(sound, tables=held).with_(snr_shift=_number(r, op, given, "snr_shift", 31))


def _log(r: Reader, op: Operator, sound: Sound, given: Mapping[str, int]) -> Sound:
    return sound.with_(
        log_shift=_number(r, op, given, "input_correction_bits", 31),
        log_scale=_number(r, op, given, "output_scale", 2048, 1),
    )


READ = {
    "Window": _window, "FftAutoScale": _scale, "Rfft": _rfft, "Energy": _energy,
    "FilterBank": _bank, "FilterBankSquareRoot": _root,
    "FilterBankSpectralSubtraction": _subtraction, "PCAN": _pcan, "FilterBankLog": _log,
}  # fmt: skip


def _arithmetic(r: Reader, op: Operator, sound: Sound, places: list[int]) -> Sound:
    """One step with a number behind the chain."""
    if len(op.inputs) != 2 or len(places) != 1 or (op.name == "DIV" and places != [0]):
        raise UnsupportedError(r.where(op), "computes with more than a number", HINT)
    if r.result(op).dtype is not DType.INT32 or r.clamp(op, 0) is not None:
        raise UnsupportedError(r.where(op), "is no int32 arithmetic without an activation", HINT)
    held = r.integers(op, 1 - places[0])
    if len(held) != 1:
        raise UnsupportedError(r.where(op), "has a number of its own for each band", HINT)
    return replace(sound, steps=(*sound.steps, (op.name, held[0])))


def _end(r: Reader, op: Operator, sound: Sound) -> None:
    """CAST to int8: the features, as a row of the operator that makes them."""
    t, c = r.result(op), sound.tables["bands"].shape[1] - 1
    quant = t.quant or QuantParams.of(1.0)
    if t.shape not in ((c,), (1, c)):
        raise EdgePruneError(r.where(op), f"makes {list(t.shape)} of {c} bands")
    rules = Rules(**sound.numbers, **_scaling(r, op, sound.steps))  # type: ignore[arg-type]
    noise = f"{t.name}/noise"
    while noise in r.known or noise in r.constants:
        noise += "_"
    kind = TensorType((4, c), DType.INT8, quant)
    r.inputs[noise] = r.known[noise] = kind
    r.states.initial[noise] = np.zeros(kind.shape, np.int8)
    r.states.read[noise] = noise
    one = QuantParams.of(1.0)
    tables = [
        r.add_constant(f"{t.name}/{role}", data, TensorType(data.shape, DType.INT16, one))
        for role, data in sound.tables.items()
    ]
    made = AudioFeatures(rules, *quant.scalar)
    whole = r.between(op, made, (sound.source, noise, *tables), "features", replace(kind, shape=()))
    kept = Slice((1, 0), (5, c), (1, 1))
    r.states.now[noise] = r.between(op, kept, (whole,), "kept")
    row = r.between(op, Slice((0, 0), (1, c), (1, 1)), (whole,), "row")
    r.given[t.name] = TensorType((c,), DType.INT8, quant)
    r.add(op, Reshape((c,)), (row,))


def _scaling(r: Reader, op: Operator, steps: tuple[tuple[str, int], ...]) -> dict[str, int]:
    """Arithmetic as (v * factor + added) / divisor + offset, cut to int8."""
    found = {"factor": 1, "added": 0, "divisor": 1, "offset": 0}
    left = list(zip(("MUL", "ADD", "DIV", "ADD"), found, strict=True))
    fits = dict(steps[-2:]) == {"MINIMUM": 127, "MAXIMUM": -128}
    for name, value in steps[:-2]:
        while left and left[0][0] != name:
            del left[0]
        fits = fits and bool(left)
        if left:
            found[left.pop(0)[1]] = value
    most = abs(found["factor"]) * 32767 + abs(found["added"]) + abs(found["offset"])
    if not fits or most >= 2**31 or found["divisor"] < 1:
        raise UnsupportedError(r.where(op), "is no scaling that is cut to int8", HINT)
    return found
