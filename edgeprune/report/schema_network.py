"""What report.json says of a network: its ends, layers, and where bytes lie."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from edgeprune.schema import Count, Figure, Range, Real, Text

Element = Literal["float32", "int8", "uint8", "int16", "int32"]


class Layer(TypedDict):
    """A layer."""

    name: Text
    turn_of: NotRequired[Text | None]
    op: Text
    inputs: NotRequired[list[Annotated[int, Range(-(1 << 10), 1 << 20)]]]
    macs: Count
    weight_bytes: Count
    bits: float | None
    bits_before: NotRequired[float | None]
    constant_bytes: NotRequired[Count]
    channels_before: Count
    channels_after: Count
    shape: NotRequired[list[Count]]
    dtype: NotRequired[Text]
    instructions: Annotated[float, Range(0)] | None
    cycles: Figure
    snr_db: float | None
    kernel: Text | None


class Port(TypedDict):
    """An input or output."""

    name: Text
    shape: Annotated[list[Annotated[int, Range(1, 1 << 24)]], Range(0, 8)]
    layout: NotRequired[Text]
    source_shape: NotRequired[list[Count] | None]
    dtype: Element
    scale: Annotated[float, Range(0)] | None
    zero_point: Annotated[int, Range(-(1 << 31), (1 << 31) - 1)] | None
    read: NotRequired[list[Annotated[list[Count], Range(2, 2)]] | None]


class Interface(TypedDict):
    """What goes in and comes out."""

    inputs: Annotated[list[Port], Range(1, 1 << 10)]
    outputs: Annotated[list[Port], Range(1, 1 << 10)]
    states: NotRequired[list[Port]]


class Step(TypedDict):
    """Buffers that are alive in a step."""

    step: Text
    live: dict[str, Count]


class Buffer(TypedDict):
    """Where a buffer lies."""

    name: Text
    offset: Count
    bytes: Count
    first: Annotated[int, Range(-1)]
    last: Annotated[int, Range(-1)]


class Rows(TypedDict):
    """What there is of a value between layers that run by rows."""

    name: Text
    rows: Count
    of: Count
    bytes: Count
    whole_bytes: Count


class ByRows(TypedDict):
    """Layers that run row by row through each other."""

    layers: list[Text]
    turns: Count
    values: list[Rows]
    fed_by_rows: list[Text]
    feed_bytes: Figure
    arena_bytes_whole: Count
    more_work: Real | None


class Memory(TypedDict):
    """The arena."""

    steps: list[Step]
    buffers: list[Buffer]
    by_rows: NotRequired[ByRows | None]


class Flash(TypedDict):
    """A function or constant in flash."""

    layer: Text
    name: Text
    bytes: int
