"""The host's run of generated C: what is the model's fault, and what the machine's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprune.compiler import Recipe
from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.ir import Node, TensorType, build_graph
from edgeprune.ops import Relu
from edgeprune.target import load_target
from edgeprune.verify.run_c import HostModel


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is full")
def test_answers_that_find_no_room_are_not_the_models_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = build_graph("m", [Node("r", Relu(), ("x",), "y")], {"x": TensorType((4,))}, ["y"], {})
    recipe = Recipe(load_target("host"), "float32", "speed", {})
    recipe.compile_typed(graph).write_c(tmp_path, "m")
    x = np.arange(-4, 4, dtype=np.float32).reshape(2, 4)
    with HostModel(tmp_path) as model:
        assert np.array_equal(model.run(x), x.clip(0))
        run = model._run
        monkeypatch.setattr(model, "_run", lambda given, made: run(given, Path("/dev/full")))
        with pytest.raises(EdgePruneError, match="the disk is full") as refused:
            model.run(x)
    assert not isinstance(refused.value, CannotFitError), "that would say that the C is wrong"
