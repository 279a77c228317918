"""Sweeps: the same whoever does them, and nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pruning.graphs import balanced, mlp
from pruning.test_brute_force import samples

from edgeprune.ir import predict
from edgeprune.pruning.search import prune
from edgeprune.pruning.sweep import Sweep, digest, journaled, sweep

GRAPH = balanced(mlp(8, 14, 4))
DATA, TEST = samples(GRAPH, 120, labels=False), samples(GRAPH, 90, labels=False, seed=1)


def small(**options: object) -> Sweep:
    defaults: dict = {"levels": (0.25, 0.5, 0.75), "seeds": (0, 1)}
    return sweep(GRAPH, DATA, TEST, **{**defaults, **options})


def test_every_level_criterion_and_seed_has_its_point() -> None:
    found = small(criteria=("l1", "random"))
    assert [(p.criterion, p.level, p.seed) for p in found.points] == [
        (c, v, s) for c in ("l1", "random") for v in (0.25, 0.5, 0.75) for s in (0, 1)
    ]
    assert {p.level: p.removed for p in found.points} == {0.25: 3, 0.5: 7, 0.75: 10}
    assert found.source_accuracy == 1


def test_a_point_is_what_pruning_gives() -> None:
    (point,) = small(levels=(0.5,), seeds=(3,)).points
    pruned = prune(GRAPH, DATA.split(0.5, 3)[1], keep_ratio=0.5, seed=3)
    truth, got = (predict(g, TEST.x).argmax(axis=1) for g in (GRAPH, pruned.graph))
    assert point.accuracy == (truth == got).mean()
    assert point.cost["params"] == pruned.graph.params


def test_levels_can_be_budgets_and_those_below_the_floor_are_left_out() -> None:
    found = small(levels=(1, 60, 100), of="params", seeds=(0,))
    assert [p.level for p in found.points] == [60, 100]
    assert all(p.cost["params"] <= p.level for p in found.points)


def test_trends_are_means_and_spreads() -> None:
    found = small(criteria=("random",))
    for trend in found.trends:
        own = [p.accuracy for p in found.points if p.level == trend.level]
        assert trend.runs == len(own) == 2
        assert trend.accuracy == pytest.approx(np.mean(own))
        assert trend.accuracy_std == pytest.approx(np.std(own, ddof=1))
    assert json.loads(json.dumps(found.to_json()))["trends"]


def test_any_number_of_workers_gives_the_same() -> None:
    one, two = (small(criteria=("brute_force", "taylor2"), jobs=jobs) for jobs in (1, 2))
    assert one == two


def test_a_dask_cluster_gives_the_same(tmp_path: Path) -> None:
    from distributed import Client, LocalCluster
    from joblib import parallel_config

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path
        ) as cluster,
        Client(cluster),
        parallel_config(backend="dask"),
    ):
        far = small(jobs=-1, journal=tmp_path / "journal")
    assert far == small()
    assert far == small(journal=tmp_path / "journal")


class Counted:
    def __init__(self) -> None:
        self.calls: list[object] = []

    def __call__(self, task: dict) -> object:
        self.calls.append(task["n"])
        if task["n"] == 3 and len(self.calls) == 4:
            raise KeyboardInterrupt
        return {"square": task["n"] ** 2}


def test_what_a_journal_knows_is_not_done_again(tmp_path: Path) -> None:
    work, tasks, journal = Counted(), [{"n": n} for n in range(6)], tmp_path / "new" / "journal"
    with pytest.raises(KeyboardInterrupt):
        journaled(work, tasks, journal=journal)
    assert work.calls == [0, 1, 2, 3]
    with journal.open("a") as file:
        file.write('{"key": "cut sho')
    expected = [{"square": n**2} for n in range(6)]
    assert journaled(work, tasks, journal=journal) == expected
    assert work.calls == [0, 1, 2, 3, 3, 4, 5]
    assert journaled(work, tasks, journal=journal) == expected
    assert len(work.calls) == 7
    journaled(work, tasks[:1], content="another model", journal=journal)
    assert len(work.calls) == 8


def test_content_has_a_name_of_its_own() -> None:
    last = GRAPH.nodes[-2].inputs[2]
    other = GRAPH.with_constants({last: GRAPH.constants[last] + 1})
    a = np.zeros(4, np.float32)
    names = {digest(v) for v in (GRAPH, other, a, a.reshape(2, 2), a.astype(np.int32), None, "")}
    assert len(names) == 7
    assert digest(GRAPH) == digest(balanced(mlp(8, 14, 4)))
