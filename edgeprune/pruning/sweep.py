"""Many runs, side by side: accuracy against size over levels, criteria and seeds.

Runs are spread over processes with joblib, so that ``joblib.parallel_config(backend="dask")`` (or
"ray") around a sweep takes it to a cluster. What is done is written to a journal, and not done
again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from edgeprune import __version__
from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.files import append_line, parse_json, read_bytes
from edgeprune.ir import Graph, Samples, predict
from edgeprune.progress import Progress, silent
from edgeprune.pruning.costs import Cost, no_cost
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.ranking import Schedule
from edgeprune.pruning.search import strategy
from edgeprune.pruning.truth import Truth, accuracy, border_of, truth_of
from edgeprune.schema import checked

Json = Mapping[str, object]
NINE_LEVELS = tuple(i / 10 for i in range(1, 10))
SHARE = "share"
_MOST_JOURNAL_BYTES = 1 << 30
_BEGIN = '{"key": "'  # of a line of a journal


@dataclass(frozen=True)
class Point:
    """One network of a sweep.

    Attributes:
        criterion: what chose.
        seed: which part of the data was ranked on, and what was random.
        level: the share of channels to remove, or the largest value of the cost.
        removed: channels that went.
        accuracy: on the test data.
        error: mean, on the test data.
        cost: of the network, by key.
    """

    criterion: str
    seed: int
    level: float
    removed: int
    accuracy: float
    error: float
    cost: Mapping[str, float] = field(default_factory=dict)


class PointRow(TypedDict):
    """A point in a journal."""

    criterion: str
    seed: int
    level: float
    removed: int
    accuracy: float
    error: float
    cost: dict[str, float]


class _Entry(TypedDict):
    """A line of a journal."""

    key: str
    result: Any


@dataclass(frozen=True)
class Trend:
    """The runs of one criterion at one level, over all seeds.

    Attributes:
        criterion: what chose.
        level: as in the points.
        runs: how many seeds reached it.
        accuracy: the mean.
        accuracy_std: the standard deviation (of a sample; 0 of a single run).
        error: the mean of the mean errors.
        cost: the means, by key.
    """

    criterion: str
    level: float
    runs: int
    accuracy: float
    accuracy_std: float
    error: float
    cost: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """All points, by criterion, level and seed.

    Attributes:
        of: "share", or the key of the cost that the levels bind.
        source_accuracy: of the network that was pruned.
        points: those that could be reached.
    """

    of: str
    source_accuracy: float
    points: tuple[Point, ...]

    @property
    def trends(self) -> tuple[Trend, ...]:
        """Mean and spread over the seeds."""
        keys = dict.fromkeys((p.criterion, p.level) for p in self.points)
        return tuple(
            _trend([p for p in self.points if (p.criterion, p.level) == key]) for key in keys
        )

    def to_json(self) -> dict[str, object]:
        """Plain lists, numbers and strings, trends included."""
        return {**asdict(self), "trends": [asdict(t) for t in self.trends]}


def sweep(
    graph: Graph,
    data: Samples,
    test: Samples,
    *,
    levels: Sequence[float] = NINE_LEVELS,
    of: str = SHARE,
    cost: Cost = no_cost,
    criteria: Sequence[str] = ("obs",),
    schedule: Schedule = "iterative",
    seeds: Sequence[int] = (0, 1, 2),
    ranked: float = 0.5,
    jobs: int = 1,
    journal: Path | None = None,
    about: str = "",
    progress: Progress = silent,
) -> Sweep:
    """Prune one network to many sizes, several times each.

    "Self-Pruning Neural Network": 10 to 90 %, each several times, averaged.

    Args:
        graph: float, with one input.
        data: what is ranked on; every seed draws its own part.
        test: what accuracy and error are measured on.
        levels: shares of the channels that go, or the largest values of a cost.
        of: "share", or a key of ``cost``, or "params", "macs", "neurons".
        cost: of a graph; must not depend on anything but the graph.
        criteria: names from ``CRITERIA``, or "obs".
        schedule: of all of them.
        seeds: one run each.
        ranked: the share of the data that each run draws, stratified.
        jobs: processes; the result does not depend on it.
        journal: a file that remembers what is done; None: nothing is remembered.
        about: what the cost depends on beside the graph (a target, an element type), so that a
            journal does not mix them up.
        progress: told run by run.
    """
    same = {"of": of, "levels": [float(v) for v in levels], "ranked": float(ranked)}
    tasks = [
        {"criterion": criterion, "schedule": schedule, "seed": int(seed), **same}
        for criterion in criteria
        for seed in seeds
    ]
    work = _Run(graph, data, test, cost)
    source = accuracy(graph, test.x, work.truth)
    found = journaled(
        work,
        tasks,
        content=digest(__version__, about, graph, data, test),
        jobs=jobs,
        journal=journal,
        kind=list[PointRow],
        progress=progress,
    )
    points = [Point(**p) for runs in found for p in runs]  # type: ignore[attr-defined]
    points.sort(key=lambda p: (list(criteria).index(p.criterion), p.level, p.seed))
    return Sweep(of, source, tuple(points))


@dataclass(frozen=True)
class _Run:
    """One criterion and seed: one ranking, cut at every level. Travels to other processes."""

    graph: Graph
    data: Samples
    test: Samples
    cost: Cost

    @property
    def truth(self) -> Truth:
        return truth_of(self.graph, self.test, border=border_of(self.graph, self.data))

    def __call__(self, task: Json) -> list[Json]:
        criterion, seed = str(task["criterion"]), int(str(task["seed"]))
        part = self.data.split(float(str(task["ranked"])), seed)[1]
        schedule: Schedule = task["schedule"]  # type: ignore[assignment]
        chosen = strategy(self.graph, part, criterion, schedule, seed=seed)
        points: list[Json] = []
        for level in task["levels"]:  # type: ignore[attr-defined]
            bound = (
                {"keep_ratio": 1 - level}
                if task["of"] == SHARE
                else {"limits": {str(task["of"]): level}}
            )
            try:
                pruned = chosen.prune(cost=self.cost, **bound)
            except CannotFitError:
                continue
            y, error = self._measure(pruned.graph)
            cost = {k: float(v) for k, v in pruned.cost.items()}
            points.append(asdict(Point(criterion, seed, level, len(pruned.order), y, error, cost)))
        return points

    def _measure(self, graph: Graph) -> tuple[float, float]:
        import torch

        loss = make_loss(self.graph, self.test)
        exposed = replace(graph, outputs=(loss.value,), ports={})
        z = predict(exposed, self.test.x).reshape(len(self.test), -1)
        errors = loss.per_sample(torch.from_numpy(z), torch.from_numpy(loss.targets))
        right = accuracy(graph, self.test.x, self.truth)
        return right, float(errors.double().mean())


def journaled(
    work: Callable[[Json], object],
    tasks: Sequence[Json],
    *,
    content: str = "",
    jobs: int = 1,
    journal: Path | None = None,
    kind: Any = Any,
    progress: Progress = silent,
) -> list[object]:
    """Do tasks in parallel, except those that a journal has the result of.

    Args:
        work: makes something JSON can hold of a task; must not depend on anything else.
        tasks: JSON too.
        content: what else the results depend on, see :func:`digest`.
        jobs: processes. The backend is joblib's current one.
        journal: a file of one JSON line a result; None: nothing is remembered.
        kind: the type of a result, which those in a journal are checked against.
        progress: told after every task.

    Returns:
        Results in the order of the tasks, each as JSON gives it back.
    """
    keys = [digest(content, json.dumps(task, sort_keys=True)) for task in tasks]
    known = _read(journal, kind)
    waiting = [i for i, key in enumerate(keys) if key not in known]
    done = len(tasks) - len(waiting)
    progress("sweep", done, len(tasks))
    for i, result in _parallel(work, tasks, waiting, jobs):
        line = json.dumps({"key": keys[i], "task": tasks[i], "result": result})
        known[keys[i]] = json.loads(line)["result"]
        _append(journal, line)
        done += 1
        progress("sweep", done, len(tasks))
    return [known[key] for key in keys]


def digest(*parts: object) -> str:
    """A name for content: graphs, samples, arrays, texts and None."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            h.update(f"{part.dtype}{part.shape}".encode())
            h.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, Samples):
            h.update(digest(part.x, part.y, part.targets, part.marks).encode())
        elif isinstance(part, Graph):
            h.update(repr((part.nodes, part.inputs, part.outputs)).encode())
            h.update(repr(sorted((k, str(t)) for k, t in part.types.items())).encode())
            for name in sorted(part.constants):
                h.update(digest(name, part.constants[name]).encode())
        else:
            h.update(repr(part).encode())
        h.update(b"\0")
    return h.hexdigest()


def _parallel(
    work: Callable[[Json], object], tasks: Sequence[Json], waiting: list[int], jobs: int
) -> Iterator[tuple[int, object]]:
    """Numbers and results as they are done; in the end where joblib's backend gives no sooner."""
    from joblib import Parallel, delayed

    if not waiting:
        return
    # arrays travel as they are: memory maps would be read-only, and need a common disk
    try:
        pool = Parallel(n_jobs=jobs, return_as="generator_unordered", max_nbytes=None)
    except ValueError:  # Ray's has no such thing
        pool = Parallel(n_jobs=jobs, max_nbytes=None)
    calls = (delayed(_one)(work, i, tasks[i]) for i in waiting)
    results: Iterable[tuple[int, object]] = pool(calls)
    yield from results


def _one(work: Callable[[Json], object], number: int, task: Json) -> tuple[int, object]:
    """One task on one thread: sums of floats depend on how many there are."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return number, work(task)
    finally:
        torch.set_num_threads(threads)


def _read(journal: Path | None, kind: Any) -> dict[str, object]:
    """What a journal knows; a line that was cut short is nothing.

    Raises:
        EdgePruneError: it is something else than a journal.
    """
    known: dict[str, object] = {}
    if journal is None or not journal.exists():
        return known
    hint = "name another file with --journal"
    try:
        lines = read_bytes(journal, _MOST_JOURNAL_BYTES, hint).decode("utf-8").splitlines()
    except ValueError:
        raise EdgePruneError(str(journal), "is no journal: it is no text in UTF-8", hint) from None
    for i, line in enumerate(lines, 1):
        where = f"{journal}: line {i}"
        try:
            entry = parse_json(line)
        except ValueError as error:
            if not line.startswith(_BEGIN[: len(line)]):
                raise EdgePruneError(where, f"is no line of a journal: {error}", hint) from None
            continue
        row = checked(entry, _Entry, where)
        known[row["key"]] = checked(row["result"], kind, f"{where}: result")
    return known


def _append(journal: Path | None, line: str) -> None:
    if journal is None:
        return
    journal.parent.mkdir(parents=True, exist_ok=True)
    append_line(journal, line)


def _trend(points: list[Point]) -> Trend:
    accuracies = np.asarray([p.accuracy for p in points])
    keys = points[0].cost.keys()
    return Trend(
        points[0].criterion,
        points[0].level,
        len(points),
        float(accuracies.mean()),
        float(accuracies.std(ddof=1)) if len(points) > 1 else 0.0,
        float(np.mean([p.error for p in points])),
        {k: float(np.mean([p.cost[k] for p in points])) for k in keys},
    )
