"""How many samples report, choose and calibrate: as many as time allows, of every label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from pruning.graphs import mlp

from edgeprune.compiler.measure import Footprint
from edgeprune.ir import Samples
from edgeprune.pipeline import meter, samples
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.samples import Given, divided

LABELS = 4


def sorted_by_label(n: int) -> Samples:
    y = np.sort(np.arange(n) % LABELS)
    return Samples(np.zeros((n, 3), np.float32), y)


@pytest.mark.parametrize(("macs", "reported"), [(0, 1000), (10**12, 1200)])
def test_a_report_on_a_part_of_many_samples_takes_no_more_than_time_allows(
    macs: int, reported: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "REPORTED_MACS", macs)
    work, report = samples._apart(sorted_by_label(4000), mlp(3, 5, LABELS), seed=0)
    assert (len(work), len(report)) == (4000 - reported, reported)


@pytest.mark.parametrize(("macs", "chosen"), [(0, 1000), (10**12, 1200)])
def test_samples_that_choose_are_as_many_as_time_allows_and_of_every_label(
    macs: int, chosen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "VALIDATED_MACS", macs)
    data = sorted_by_label(4000)
    given = Given(data, data.first(8), True, "held-out")
    options = BuildOptions(model=None, data=None, out=Path("out"))
    validation = divided(given, mlp(3, 5, LABELS), options).validation
    assert validation.y is not None
    counts = np.bincount(validation.y, minlength=LABELS)
    assert len(validation) == chosen
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("limit", [1000, 10_000], ids=["fewer than there are", "all"])
def test_the_first_of_the_samples_that_rank_have_every_label(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders of pictures come class by class."""
    monkeypatch.setattr(samples, "LIMIT_RANK", limit)
    data = sorted_by_label(4000)
    options = BuildOptions(model=None, data=None, out=Path("out"))
    given = Given(data, data.first(8), True, "held-out")
    parts = divided(given, mlp(3, 5, LABELS), options)
    rank, validation = parts.rank, parts.validation
    assert rank.y is not None
    assert len(rank) == min(limit, len(data) - len(validation))
    counts = np.bincount(rank.y[:200], minlength=LABELS)
    assert counts.max() - counts.min() <= 2


def test_training_sees_all_samples_that_neither_choose_nor_are_reported_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(samples, "LIMIT_RANK", 1000)
    monkeypatch.setattr(samples, "VALIDATED_MACS", 0)
    x = np.arange(4 * 3000, dtype=np.float32).reshape(-1, 3)
    data = Samples(x, np.arange(4000) % LABELS)
    given = Given(data, Samples(-1 - x[:8]), True, "test")
    options = BuildOptions(model=None, data=None, out=Path("out"), finetune=1)
    parts = divided(given, mlp(3, 5, LABELS), options)
    learned = parts.learned
    assert learned.y is not None
    seen = np.concatenate([learned.x, parts.validation.x])
    assert np.array_equal(np.sort(seen[:, 0]), x[:, 0])
    assert np.array_equal(learned.y, (learned.x[:, 0] / 3) % LABELS)
    untrained = divided(given, mlp(3, 5, LABELS), replace(options, finetune=0))
    assert untrained.learned is untrained.rank


def test_samples_whose_labels_are_mixed_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    y = np.append(rng.permutation(np.arange(400) % LABELS), 9)  # one label is seen but once
    data = Samples(np.zeros((401, 3), np.float32), y)
    assert data.mixed() is data


def test_a_network_that_is_asked_for_twice_is_linked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    linked: list[Any] = []

    def footprint(compiled: Any, *, stack: bool) -> Footprint:
        linked.append(compiled)
        return Footprint(1, 1, 1, 1, 1, 1, True, None)

    monkeypatch.setattr(meter, "footprint", footprint)
    measured: Any = meter.Meter(*3 * [None])  # type: ignore[arg-type]
    one, other = SimpleNamespace(), SimpleNamespace()
    for compiled in (one, one, other, other):
        measured.footprint(compiled)
    assert linked == [one, other]
    assert linked[0] is one


@pytest.mark.parametrize(("ram", "read"), [(None, [False, True]), (2048, [True])])
def test_a_search_reads_the_stack_only_where_ram_is_limited(
    monkeypatch: pytest.MonkeyPatch, ram: int | None, read: list[bool]
) -> None:
    seen: list[bool] = []

    def footprint(compiled: Any, *, stack: bool) -> Footprint:
        seen.append(stack)
        return Footprint(1, 1, 1, 1, 1, 1 if stack else None, True, None)

    monkeypatch.setattr(meter, "footprint", footprint)
    given: Any = SimpleNamespace(ram=ram)
    measured, network = meter.Meter(given, given, given), cast(Any, SimpleNamespace())
    measured.footprint(network, tells=False)
    assert measured.footprint(network).stack_bytes == 1
    assert seen == read
