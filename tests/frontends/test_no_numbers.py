"""Samples of Python programs that are no numbers: what they are is said, and what helps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.objects import arrays_of
from tests.frontends.test_objects import Frame, X


class Sparse:
    """As scipy has them: numpy makes one object of the whole."""

    def toarray(self) -> Any:
        return X


class Columns(Frame):
    """As pandas has a frame of several types: objects, and a type by column."""

    @property
    def dtypes(self) -> dict[str, Any]:
        return {"speed": np.dtype("f4"), "town": np.dtype("O"), "day": np.dtype("M8[s]")}


HELPED = {
    "text": ((X, list("abcabc")), "elements are text", "np.unique"),
    "a series of text": ((X, np.array(list("abcabc"), object)), "elements are text", "np.unique"),
    "columns of text": (Columns(X.astype(object) + 1j), "town (object), day", "columns"),
    "what is sparse": (Sparse(), "sparse", "toarray()"),
    "what lacks some": (np.array([1.0, "a", None], object), "others such as 'a' are not", ""),
}


@pytest.mark.parametrize("kind", HELPED)
def test_the_commonest_forms_that_are_no_numbers_get_a_hint_of_their_own(kind: str) -> None:
    data, what, hint = HELPED[kind]
    with pytest.raises(EdgePruneError) as caught:
        arrays_of({"x": data} if isinstance(data, Sparse) else data, "data")
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_objects_that_are_all_numbers_are_numbers() -> None:
    """So pandas gives frames of its own types of numbers, and of several types."""
    for x in (X, X > 3, X.astype(int)):
        found = arrays_of(Frame(x.astype(object)), "data")["x"]
        np.testing.assert_array_equal(found, x)
        assert found.dtype.kind in "fiub"
