"""What a TFLite file says about itself: names, normalisation of inputs, labels of outputs.

The TensorFlow Lite metadata format (metadata_schema.fbs, "M001"): one flatbuffer among the file's
metadata, and associated files in a zip archive behind the model. LiteRT ignores both; Android's
libraries and netron show them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeprune.emit import to_tflite
from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph

KEY = "TFLITE_METADATA"
"""The name of the flatbuffer among the file's metadata."""
LABELS = "labels.txt"

# Numbers in the schema.
_NORMALIZATION, _FEATURE, _IMAGE, _AXIS_LABELS, _RGB, _GRAYSCALE = 1, 1, 2, 2, 1, 2


@dataclass(frozen=True)
class Normalisation:
    """What must be done to raw values before they are fed: (x - mean) / std.

    Attributes:
        mean: one value, or one per channel.
        std: as many.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std) or not self.mean or 0.0 in self.std:
            raise EdgePruneError(
                "normalisation", f"mean {list(self.mean)}, std {list(self.std)}",
                "give as many means as standard deviations, none of them 0",
            )  # fmt: skip


def describe(
    graph: Graph,
    *,
    description: str = "",
    normalisation: Mapping[str, Normalisation] | None = None,
    labels: Sequence[str] = (),
) -> bytes:
    """The flatbuffer for ``emit(..., metadata={KEY: ...})``.

    Args:
        graph: the network; its name, inputs and outputs are described.
        description: a sentence for people.
        normalisation: by input name.
        labels: names of the first output's entries; the file itself is added by :func:`attach`.

    Raises:
        EdgePruneError: there are not as many labels as outputs.
    """
    outputs = graph.types[graph.results[0]].shape[-1]
    if labels and len(labels) != outputs:
        raise EdgePruneError("labels", f"{len(labels)} labels for {outputs} outputs")
    b = _Builder()
    norms = normalisation or {}
    inputs = [_tensor(b, graph, v, norms.get(v), is_input=True) for v in graph.arguments]
    ends = [
        _tensor(b, graph, v, None, labelled=bool(labels) and i == 0)
        for i, v in enumerate(graph.results)
    ]
    main = b.table({2: b.offsets(inputs), 3: b.offsets(ends)})
    text = {0: b.text(graph.name), 7: b.text("1.0.0")}
    if description:
        text[1] = b.text(description)
    return b.finish(b.table({**text, 3: b.offsets([main])}), b"M001")


def attach(content: bytes, files: Mapping[str, bytes]) -> bytes:
    """A TFLite file with associated files behind it; the same input gives the same bytes."""
    whole = io.BytesIO()
    whole.write(content)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return whole.getvalue()


def described(
    graph: Graph,
    description: str,
    labels: Sequence[str],
    *,
    dtype: str = "float32",
    offline_plan: bool = False,
) -> bytes:
    """A TFLite file that says what its inputs and outputs are.

    Args:
        graph: the network; it takes raw values, whatever normalisation there is lies within.
        description: a sentence for people.
        labels: names of the classes; those of a single output, which has two, are left out.
        dtype: see :func:`edgeprune.emit.to_tflite.emit`.
        offline_plan: likewise.
    """
    names = labels if len(labels) == graph.types[graph.results[0]].shape[-1] else ()
    raw = {v: Normalisation((0.0,), (1.0,)) for v in graph.arguments}
    said = describe(graph, description=description, normalisation=raw, labels=names)
    content = to_tflite.emit(graph, dtype=dtype, offline_plan=offline_plan, metadata={KEY: said})
    return attach(content, label_file(names)) if names else content


def label_file(labels: Sequence[str]) -> dict[str, bytes]:
    """The associated file with one label a line."""
    return {LABELS: "".join(f"{' '.join(s.split())}\n" for s in labels).encode()}


def _tensor(
    b: _Builder,
    graph: Graph,
    value: str,
    norm: Normalisation | None,
    *,
    is_input: bool = False,
    labelled: bool = False,
) -> int:
    """TensorMetadata of one input or output."""
    fields = {0: b.text(graph.said(value))}
    shape = graph.types[value].shape
    if is_input and len(shape) == 3 and shape[2] in (1, 3):
        space = b.table({0: ("b", _RGB if shape[2] == 3 else _GRAYSCALE)})
        fields[3] = b.table({0: ("B", _IMAGE), 1: space})
    else:
        fields[3] = b.table({0: ("B", _FEATURE), 1: b.table({})})
    if norm is not None:
        options = b.table({0: b.floats(norm.mean), 1: b.floats(norm.std)})
        fields[4] = b.offsets([b.table({0: ("B", _NORMALIZATION), 1: options})])
    if labelled:
        file = b.table({0: b.text(LABELS), 2: ("b", _AXIS_LABELS)})
        fields[6] = b.offsets([file])
    return b.table(fields)


class _Builder:
    """Tables by field number."""

    def __init__(self) -> None:
        import flatbuffers

        self.fb: Any = flatbuffers.Builder(1024)

    def table(self, fields: Mapping[int, int | tuple[str, int]]) -> int:
        """A table; a field is an offset, or (kind, number) with kind "b" or "B"."""
        self.fb.StartObject(max(fields, default=-1) + 1)
        for slot, value in fields.items():
            if isinstance(value, int):
                self.fb.PrependUOffsetTRelativeSlot(slot, value, 0)
            elif value[0] == "b":
                self.fb.PrependInt8Slot(slot, value[1], 0)
            else:
                self.fb.PrependUint8Slot(slot, value[1], 0)
        return int(self.fb.EndObject())

    def text(self, text: str) -> int:
        return int(self.fb.CreateString(text.encode("utf-8", "replace")))

    def floats(self, values: Sequence[float]) -> int:
        return int(self.fb.CreateNumpyVector(np.asarray(values, "<f4")))

    def offsets(self, items: Sequence[int]) -> int:
        self.fb.StartVector(4, len(items), 4)
        for item in reversed(items):
            self.fb.PrependUOffsetTRelative(item)
        return int(self.fb.EndVector())

    def finish(self, root: int, identifier: bytes) -> bytes:
        self.fb.Finish(root, file_identifier=identifier)
        return bytes(self.fb.Output())
