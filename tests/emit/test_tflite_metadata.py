"""What a TFLite file says about itself can be read back, and changes no result."""

from __future__ import annotations

import io
import struct
import zipfile

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from op_cases import residual

from edgeprune.emit.tflite_metadata import KEY, Normalisation, attach, describe, label_file
from edgeprune.emit.to_tflite import emit
from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.from_tflite.flatbuffer import Buffer
from edgeprune.ir import predict
from edgeprune.verify import run_tflite

NAMES = ["cat", "dog", "bird", "fish", "a\nb"]
NORM = Normalisation((127.5, 0.0, 1.0), (127.5, 1.0, 2.0))


def described() -> bytes:
    graph = residual()
    made = describe(graph, description="five kinds", normalisation={"x": NORM}, labels=NAMES)
    return attach(emit(graph, metadata={KEY: made}), label_file(NAMES))


def test_normalisation_and_labels_can_be_read_back() -> None:
    content = described()
    model = schema.ModelT.InitFromPackedBuf(content)
    entry = next(m for m in model.metadata if m.name.decode() == KEY)
    data = bytes(model.buffers[entry.buffer].data)
    assert data[4:8] == b"M001"
    root = Buffer("metadata", data).root()
    assert (root.text(0), root.text(1)) == ("residual", "five kinds")
    main = root.tables(3)[0]
    image, result = main.tables(2)[0], main.tables(3)[0]
    assert (image.text(0), result.text(0)) == ("x", "y")
    content_of = image.table(3)
    assert content_of is not None
    assert content_of.number(0, "B") == 2, "an image"
    options = image.tables(4)[0].table(1)
    assert options is not None
    mean, std = options.array(0, "f4"), options.array(1, "f4")
    assert mean is not None
    assert std is not None
    assert (tuple(mean), tuple(std)) == (NORM.mean, NORM.std)
    assert result.tables(6)[0].text(0) == "labels.txt"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("labels.txt").decode().splitlines() == [*NAMES[:4], "a b"]
        assert [m.date_time for m in archive.infolist()] == [(1980, 1, 1, 0, 0, 0)], "no dates"


def test_a_described_file_computes_the_same() -> None:
    graph, content = residual(), described()
    x = np.random.default_rng(0).normal(0, 1, (20, 6, 6, 3)).astype(np.float32)
    want = predict(graph, x)
    assert np.allclose(run_tflite.run(content, x), want, atol=1e-6)
    assert np.allclose(predict(parse(content, "m.tflite"), x), want, atol=1e-6)


def test_the_same_description_gives_the_same_bytes() -> None:
    assert described() == described()


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(EdgePruneError, match="2 labels for 5 outputs"):
        describe(residual(), labels=["a", "b"])


def test_a_standard_deviation_of_zero_is_refused() -> None:
    with pytest.raises(EdgePruneError, match="normalisation"):
        Normalisation((1.0,), (0.0,))


def test_damage_where_only_litert_s_schema_reads_is_refused() -> None:
    content = bytearray(described())
    root = Buffer("model", bytes(content)).root()
    assert root.tables(6), "the file has metadata"
    start = struct.unpack_from("<I", content)[0]
    table = start - struct.unpack_from("<i", content, start)[0]
    field = start + struct.unpack_from("<H", content, table + 4 + 2 * 6)[0]
    entries = field + struct.unpack_from("<I", content, field)[0]
    struct.pack_into("<I", content, entries + 4, 1 << 24)
    damaged = bytes(content)
    parse(damaged, "m.tflite")
    with pytest.raises(EdgePruneError, match="damaged"):
        run_tflite.run(damaged, np.zeros((1, 1), np.int8))


def test_a_name_that_is_no_text_is_refused_before_the_file_is_run() -> None:
    model = schema.ModelT.InitFromPackedBuf(described())
    model.subgraphs[0].tensors[0].name = b"\xff\xfe"
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(EdgePruneError, match="UTF-8"):
        run_tflite.run(bytes(builder.Output()), np.zeros((1, 1), np.int8))
