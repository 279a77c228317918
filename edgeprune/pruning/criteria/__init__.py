"""Criteria: how much a channel matters. Add one: a file with a Criterion, and its row here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from edgeprune.pruning.criteria.context import Context, Criterion, Scores, Session

FILES = {
    "brute_force": "brute_force",
    "taylor1": "first_order",
    "taylor1_abs": "first_order",
    "taylor2": "second_order",
    "taylor2_gn": "second_order",
    "taylor2_lecun": "second_order",
    "taylor2_mean": "second_order",
    "taylor2_median": "second_order",
    "fisher": "first_order",
    "activation_mean": "activity",
    "firing_rate": "activity",
    "gates": "gates",
    "l1": "magnitude",
    "l2": "magnitude",
    "random": "magnitude",
}
"""By name, the file that has the criterion, as a constant of that name."""


class Criteria(Mapping[str, Criterion]):
    """All of them; a file is imported when its criterion is asked for, and most bring torch."""

    def __getitem__(self, name: str) -> Criterion:
        found: Criterion = getattr(import_module(f"{__name__}.{FILES[name]}"), name.upper())
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(FILES)

    def __len__(self) -> int:
        return len(FILES)


CRITERIA = Criteria()
