from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprune.arrays import load_npz, map_npy, names_in
from edgeprune.errors import EdgePruneError


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.array(5, np.int16),
        np.zeros((0, 3), np.float32),
        np.array([True, False]),
        np.array(["a", "bc"]),
        np.arange(3, dtype=">f4"),
    ],
)
def test_arrays_are_read_as_numpy_wrote_them(tmp_path: Path, array: np.ndarray) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=array, y=np.arange(3))
    np.save(tmp_path / "a.npy", array)
    assert set(names_in(tmp_path / "a.npz")) == {"x", "y"}
    for found in (load_npz(tmp_path / "a.npz", ["x"])["x"], map_npy(tmp_path / "a.npy")):
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def header(text: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + data


WRONG = {
    "claims": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1 , 1099511627776)}"),
    "no shape": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,)}"),
    "no type": header("{'descr': '<f4'}"),
    "nested too deep": header("(" * 3000),
    "structured": header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"),
    "pickle": header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
    "cut": b"\x93NUMPY\x01\x00\x80\x00{'descr'",
    "no .npy file": b"",
    "header has": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f",
    "version": b"\x93NUMPY\x09\x00\x00\x00",
}


@pytest.mark.parametrize("word", WRONG)
def test_a_header_that_lies_is_one_message(tmp_path: Path, word: str) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(WRONG[word])
    with pytest.raises(EdgePruneError, match=word):
        map_npy(path)
