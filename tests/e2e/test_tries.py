"""What is said where no form of a network can be built."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.tries import Tries


def failing(error: EdgePruneError) -> Callable[[], Candidate]:
    def attempt() -> Candidate:
        raise error

    return attempt


def too_large(bytes_over: int | None) -> CannotFitError:
    error = CannotFitError("--budget", f"{bytes_over} bytes over")
    error.excess_bytes = bytes_over
    return error


def test_the_form_that_misses_by_the_least_is_told() -> None:
    tries = Tries()
    for over in (None, 30, 7, 12):
        tries.make("int8", failing(too_large(over)))
    with pytest.raises(CannotFitError, match=r"^--budget: 7 bytes over$"):
        _ = tries.made


def test_what_another_form_was_refused_for_is_said_beside_what_does_not_fit() -> None:
    tries = Tries()
    tries.make("int8", failing(EdgePruneError("dense", "a scale of 1e9")))
    tries.make("float32", failing(too_large(7)))
    with pytest.raises(CannotFitError, match=r"^--budget: 7 bytes over; int8: dense: a scale"):
        _ = tries.made


def test_where_nothing_was_too_large_the_first_refusal_is_told() -> None:
    tries = Tries()
    tries.make("int8", failing(EdgePruneError("dense", "a scale of 1e9", "scale the inputs")))
    tries.make("float32", failing(EdgePruneError("other", "no kernel")))
    with pytest.raises(EdgePruneError, match="hint: scale the inputs"):
        _ = tries.made
