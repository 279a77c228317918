"""The names that users import from the package itself."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import edgeprune


def test_public_names_are_no_modules_even_when_every_module_is_loaded() -> None:
    for module in pkgutil.walk_packages(edgeprune.__path__, "edgeprune."):
        importlib.import_module(module.name)
    for name in edgeprune.__all__:
        assert name == "__version__" or callable(getattr(edgeprune, name)), name


def test_what_a_user_got_wrong_is_caught_by_names_of_the_package() -> None:
    with pytest.raises(edgeprune.EdgePruneError, match="does not exist"):
        edgeprune.load("none.onnx")
    assert issubclass(edgeprune.CannotFitError, edgeprune.EdgePruneError)


def test_names_that_were_not_used_yet_are_completed() -> None:
    assert dir(edgeprune) == sorted(edgeprune.__all__)
