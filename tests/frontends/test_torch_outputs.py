"""Outputs of a PyTorch module are called as the module calls them."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from edgeprune.errors import EdgePruneError
from edgeprune.frontends import from_torch
from edgeprune.frontends.from_torch.archive import names_of


@dataclass
class Known:
    logits: torch.Tensor
    hidden: torch.Tensor | None = None


@dataclass
class Strange:
    logits: torch.Tensor


@dataclass
class Unnamed:
    logits: torch.Tensor


class Fields(NamedTuple):
    hidden: torch.Tensor
    logits: torch.Tensor


torch.export.register_dataclass(Known, serialized_type_name="Known")
torch.export.register_dataclass(Unnamed)


class Net(nn.Module):
    """Two layers, whose results are given as ``give`` puts them together."""

    def __init__(self, give: Callable[..., Any]) -> None:
        super().__init__()
        self.a, self.b, self.give = nn.Linear(4, 3), nn.Linear(3, 2), give

    def forward(self, x: torch.Tensor) -> Any:
        h = self.a(x)
        return self.give(h, self.b(h))


def names(give: Callable[..., Any], folder: Path) -> list[str]:
    path = from_torch.export(Net(give), torch.zeros(2, 4), folder / "net.pt2")
    graph = from_torch.load(path)
    return [graph.ports[v].name for v in graph.outputs]


GIVEN: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "a dictionary": (lambda h, y: {"hidden": h, "logits": y}, ["hidden", "logits"]),
    "an ordered one": (lambda h, y: OrderedDict(z=y, a=h), ["z", "a"]),
    "one in another": (lambda h, y: {"heads": {"a": h, "b": y}}, ["heads_a", "heads_b"]),
    "a defaultdict": (lambda h, y: defaultdict(list, h=h, y=y), ["h", "y"]),
    "a key that is a tuple": (lambda h, y: {(1, 2): h, "b": y}, ["linear", "b"]),
    "a key that is a number": (lambda h, y: {0: h, "b": y}, ["0", "b"]),
    "a tuple in one": (lambda h, y: {"all": (h, y)}, ["linear", "linear_1"]),
    "a dataclass": (lambda h, y: Known(y, h), ["logits", "hidden"]),
    "a dataclass with None": (lambda _, y: Known(y), ["logits"]),
    "a tuple": (lambda h, y: (h, None, y), ["linear", "linear_1"]),
    "a tensor": (lambda _, y: y, ["linear_1"]),
    "an input's name": (lambda h, y: {"x": h, "y": y}, ["linear", "linear_1"]),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_outputs_have_the_names_that_the_module_gives_them(kind: str, tmp_path: Path) -> None:
    give, want = GIVEN[kind]
    assert names(give, tmp_path) == want


@pytest.mark.parametrize("kind", [Strange, Unnamed, lambda y: Fields(y, y)])
def test_a_class_that_torch_cannot_write_is_refused_with_how_it_is_told(
    kind: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(EdgePruneError) as caught:
        names(lambda _, y: kind(y), tmp_path)
    assert "register_dataclass" in caught.value.hint


@pytest.mark.parametrize("context", ["[", "3", '["a", "b", "c"]', '{"a": 1}', None])
def test_a_context_that_is_not_understood_gives_no_names(context: Any) -> None:
    leaf = {"type": None, "context": None, "children_spec": []}
    for kind in ("builtins.dict", "collections.defaultdict", "some.Class"):
        spec = {"type": kind, "context": context, "children_spec": [leaf, leaf]}
        assert names_of(spec) == ["", ""]


@pytest.mark.parametrize("constant", [3, 0.5, "text", True])
def test_a_constant_among_the_outputs_is_refused_by_its_name(constant: Any, tmp_path: Path) -> None:
    with pytest.raises(EdgePruneError, match="output 'a': is a constant, no tensor"):
        names(lambda _, y: {"a": constant, "b": y}, tmp_path)


@pytest.mark.parametrize("context", ['["a", "b"]', '[["a", "b"], []]'])
def test_fields_of_a_class_are_names_with_and_without_those_that_are_none(context: str) -> None:
    leaf = {"type": None, "context": None, "children_spec": []}
    spec = {"type": "some.Class", "context": context, "children_spec": [leaf, leaf]}
    assert names_of(spec) == ["a", "b"]
