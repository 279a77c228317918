"""From what was read of a file to its graph: inputs, outputs, states and what was assumed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import Tensor, own_type
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.frontends.states import keeping
from edgeprune.ir import Array, Graph, Node, Port, build_graph, dequantise_array
from edgeprune.ops import Reshape


def finished(reader: Reader) -> Graph:
    """The graph of everything that was read."""
    names, ports, outputs = reader.file.signature, {}, []
    pairs: dict[str, str] = {}
    for number in reader.file.inputs:
        t = reader.file.tensors[number]
        ports[t.name] = _port(reader, names.get(number, t.name), t)
    for number in reader.file.outputs:
        t = reader.file.tensors[number]
        if number in reader.sound:
            what = f"is what Signal{reader.sound[number].stage} makes, and no feature of int8"
            raise UnsupportedError(f"{reader.file.name}: output {t.name!r}", what)
        if number in reader.stacked or number in reader.rows:
            what = f"has shape {list(t.shape)}: its first axis is no batch of 1"
            raise UnsupportedError(f"{reader.file.name}: output {t.name!r}", what)
        if t.name not in reader.known:
            raise EdgePruneError(reader.file.name, f"nothing computes its output {t.name!r}")
        value = _again(reader, t.name) if t.name in ports else t.name
        said = value if value != t.name else names.get(number, t.name)
        ports[value] = _port(reader, said, t)
        outputs.append(value)
    for key, v in reader.states.read.items():
        kept = _again(reader, reader.states.now[key])
        shape, dtype = (1, *reader.known[v].shape), reader.known[v].dtype
        first = tuple(map(float, _initial(reader, key, v).ravel()))
        ports[v] = Port(key, shape, dtype=dtype, initial=first if any(first) else ())
        ports[kept] = Port(f"{key} next", shape, dtype=dtype)
        outputs.append(kept)
        pairs[v] = kept
    title = reader.file.title or Path(reader.file.name).stem
    made = build_graph(
        title, reader.nodes, reader.inputs, outputs, reader.constants, reader.constant_types,
        known=reader.known, ports=ports, origin="tflite",
    )  # fmt: skip
    return replace(keeping(made, pairs) if pairs else made, notes=_notes(reader))


def _port(reader: Reader, said: str, t: Tensor) -> Port:
    """An input or output of the file."""
    batched = len(t.shape) > len(reader.known[t.name].shape)
    return Port(said, t.shape, batched=batched, dtype=own_type(t))


def _again(reader: Reader, value: str) -> str:
    """A copy of an input, or of another output, which is an output of its own."""
    name, kind = f"{value}/again", reader.known[value]
    while name in reader.known or name in reader.constants:
        name += "_"
    reader.known[name] = kind
    reader.nodes.append(Node(name, Reshape(shape=kind.shape), (value,), name))
    return name


def _initial(reader: Reader, key: str, value: str) -> Array:
    """Real values of a state in the first call."""
    held, t = reader.states.initial[key], reader.known[value]
    return held if t.quant is None else dequantise_array(held, t)


def _notes(reader: Reader) -> tuple[str, ...]:
    """What was assumed, in sentences."""
    said = list(dict.fromkeys(reader.remarks))
    if reader.hybrid:
        said.append(f"the integer weights of {len(reader.hybrid)} layers are read as real numbers")
    return tuple(f"{reader.file.name}: {what}" for what in said)
