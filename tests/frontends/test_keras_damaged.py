"""Files of Keras that are damaged or lack something: one message that says what helps."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load


@pytest.mark.needs("tensorflow")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_damaged_files_are_one_message(tmp_path: Path, suffix: str) -> None:
    import tensorflow as tf

    path = tmp_path / f"bad{suffix}"
    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(2)])
    model.save(path)
    whole = path.read_bytes()
    for content in (b"\x89HDF\r\n\x1a\n" + bytes(100), b"", whole[: len(whole) * 3 // 4]):
        path.write_bytes(content)
        with pytest.raises(EdgePruneError, match="TensorFlow cannot read it") as refused:
            load(path)
        assert "save the whole model again" in refused.value.hint


@pytest.mark.needs("tensorflow")
def test_an_archive_that_says_another_compression_than_deflate_is_one_message(
    tmp_path: Path,
) -> None:
    import tensorflow as tf

    path = tmp_path / "bad.keras"
    tf.keras.Sequential([tf.keras.Input((80,)), tf.keras.layers.Dense(80)]).save(path)
    whole = path.read_bytes()
    method = whole.rfind(b"model.weights.h5") - 46 + 10  # as the directory at the end says it
    for said in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 93, 99):  # 93: Zstandard
        path.write_bytes(whole[:method] + bytes([said, 0]) + whole[method + 2 :])
        with pytest.raises(EdgePruneError, match="TensorFlow cannot read it") as refused:
            load(path)
        assert "save the whole model again" in refused.value.hint


@pytest.mark.needs("tensorflow")
def test_a_file_of_weights_alone_is_told_how_to_save_the_whole_model(tmp_path: Path) -> None:
    import tensorflow as tf

    path = tmp_path / "m.weights.h5"
    tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(2)]).save_weights(path)
    with pytest.raises(EdgePruneError) as refused:
        load(path)
    assert "save the whole model again" in refused.value.hint
