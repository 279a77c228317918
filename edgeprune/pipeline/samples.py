"""Which samples a command works on: the user's, those of the bundled model, or generated ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeprune import bundled
from edgeprune.compiler.compile import FLOATS
from edgeprune.errors import EdgePruneError
from edgeprune.frontends.data import load_samples
from edgeprune.ir import Array, Graph, Samples, dequantise_array, join_rows
from edgeprune.ops.embedding import rows_of
from edgeprune.pipeline.options import BuildOptions
from edgeprune.verify.agreement import AGREEMENT_RUNS

REPORT_SHARE = 0.3  # of DATA, where no --test is given
VALIDATION_SHARE = 0.3  # of the rest: chooses between candidates; the others rank and calibrate
LIMIT_RANK = 5000
VALIDATED = 1000
VALIDATED_MACS = 10_000_000_000
"""Samples that choose, at the most where that costs more multiply-accumulates than those."""
REPORTED_MACS = 10_000_000_000
"""Multiply-accumulates that reporting on a part of DATA may cost an artifact: some ten seconds."""
GENERATED_MACS = 1_000_000_000  # multiply-accumulates that generated inputs may cost: some seconds
HINT = "give samples for the model: --data samples.npz"

Reported = Literal["test", "held-out"]
"""What accuracy is measured on: samples that were given for that alone, or a part of the data."""


@dataclass(frozen=True)
class Given:
    """The samples of a command.

    Attributes:
        work: what ranks, calibrates and chooses.
        report: what is reported on.
        chooses: whether ``work`` may do so; otherwise it is generated and only fills the types.
        reported: what accuracy is measured on; None: ``report`` is generated, there is none.
        notes: what has to be said of them.
    """

    work: Samples
    report: Samples
    chooses: bool
    reported: Reported | None
    notes: tuple[str, ...] = ()


def given_samples(options: BuildOptions, graph: Graph, *, optional: bool) -> Given:
    """The samples of a command.

    Args:
        options: what was asked for.
        graph: the model.
        optional: whether a model of the user's may come without data, if nothing has to be chosen.

    Raises:
        EdgePruneError: the data cannot be read, or are missing.
    """
    if options.random_data and (options.data is not None or options.model is None):
        raise EdgePruneError("--random-data", "there are samples already", "leave it out")
    unread: dict[str, list[str]] = {"--data": [], "--test": []}
    work = test = None
    if options.data is not None:
        work = load_samples(options.data, graph, notes=unread["--data"])
    told = None if work is None else work.told
    if options.test is not None:
        test = load_samples(options.test, graph, told=told, notes=unread["--test"])
    said = tuple(f"{option}: {note}" for option, notes in unread.items() for note in notes)
    if work is not None:
        if test is not None:
            return Given(work, test, True, "test", said)
        work, report = _apart(work, graph, options.seed)
        return Given(work, report, True, "held-out", said)
    if options.model is None:
        b = bundled.load_data()
        return Given(
            Samples(b.x_train, b.y_train), test or Samples(b.x_test, b.y_test), True, "test"
        )
    _refuse_to_guess(options, graph, optional=optional)
    n = int(np.clip(GENERATED_MACS // max(graph.macs, 1), 100, AGREEMENT_RUNS))
    work, made = (generated(graph, n, seed) for seed in (options.seed, options.seed + 1))
    notes = [*said, _about_noise(options, graph)]
    if test is None:
        notes.append("no accuracy is reported: the inputs are generated")
    return Given(
        work, test or made, options.random_data, "test" if test is not None else None, tuple(notes)
    )


def _apart(data: Samples, graph: Graph, seed: int) -> tuple[Samples, Samples]:
    """What is worked on, and what is reported on: of a sequence the end.

    Of many samples of a large model no more than time allows, or agreement is proven with.
    """
    if not graph.states:
        most = max(AGREEMENT_RUNS, REPORTED_MACS // max(graph.macs, 1))
        return data.split(min(REPORT_SHARE, most / max(len(data), 1)), seed=seed)
    end = len(data) - round(REPORT_SHARE * len(data))
    return data.take(slice(0, end)), data.take(slice(end, None))


def generated(graph: Graph, n: int, seed: int) -> Samples:
    """Inputs that are made up: integers over their whole range, normally distributed reals.

    Numbers of rows are any that the table has.

    Args:
        graph: what takes them.
        n: how many.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    return Samples(join_rows([_noise(graph, v, n, rng) for v in graph.arguments]))


def _noise(graph: Graph, value: str, n: int, rng: np.random.Generator) -> Array:
    t = graph.types[value]
    shape = (n, *t.shape)
    if t.is_index:
        return rng.integers(0, rows_of(graph, value), shape).astype(np.float32)
    if t.quant is None:
        return rng.standard_normal(shape, np.float32)
    info = np.iinfo(t.dtype.numpy)
    return dequantise_array(rng.integers(info.min, info.max, shape, t.dtype.numpy, True), t)


def _refuse_to_guess(options: BuildOptions, graph: Graph, *, optional: bool) -> None:
    """What looks at answers, prunes or calibrates cannot do without samples."""
    if not optional:
        raise EdgePruneError("--data", "is missing", HINT)
    floors = {
        "--min-accuracy": options.min_accuracy is not None,
        "--max-drop": options.max_drop is not None,
        "--classes": options.classes is not None,
        "--finetune": options.finetune > 0,
    }
    wanted = [name for name, asked in floors.items() if asked]
    if wanted:
        raise EdgePruneError("--data", f"is missing: {', '.join(wanted)} needs samples", HINT)
    if options.random_data or graph.is_quantised:
        return
    if options.has_limits:
        what = "is missing: pruning has to know what the network is used for"
        raise EdgePruneError("--data", what, HINT)
    if options.dtype not in ("auto", *FLOATS):
        what = f"is missing: the scales of {options.dtype} are those of samples"
        raise EdgePruneError(
            "--data", what, f"{HINT}; or --dtype float32; or, to try things out, --random-data"
        )


def _about_noise(options: BuildOptions, graph: Graph) -> str:
    if options.random_data:
        return (
            "--random-data: whatever samples decide here (scales, which channels go, the element "
            "type) was decided by NOISE. Sizes and speed are real; expect wrong answers"
        )
    if graph.is_quantised:
        return "without --data nothing is chosen: the integers of the file are compiled as they are"
    return "without --data eight bits cannot be calibrated: this is float32"


@dataclass(frozen=True)
class Parts:
    """The samples of a command, by what they are for.

    Attributes:
        rank: those that rank and calibrate.
        validation: those that choose.
        report: those that are reported on.
        learned: those that training may see, where it is asked for: all that neither choose nor
            are reported on.
    """

    rank: Samples
    validation: Samples
    report: Samples
    learned: Samples

    def each(self, change: Callable[[Samples], Samples]) -> Parts:
        """The same parts of other samples."""
        parts = self.rank, self.validation, self.report, self.learned
        return Parts(*(change(part) for part in parts))


def divided(given: Given, graph: Graph, options: BuildOptions) -> Parts:
    """Samples by what they are for.

    Raises:
        EdgePruneError: there are too few.
    """
    report = given.report
    rank, validation = given.work.split(VALIDATION_SHARE, seed=options.seed + 1)
    if not graph.states:  # a sequence has its order
        rank = rank.mixed(options.seed + 3)  # the first of them are often enough
    learned = rank
    if len(rank.x) > LIMIT_RANK:
        rank = rank.first(LIMIT_RANK)
    most = max(VALIDATED, VALIDATED_MACS // max(graph.macs, 1))
    if len(validation) > most:
        rest, validation = validation.split(most / len(validation), seed=options.seed + 2)
        learned = learned.joined(rest) if options.finetune else rank
    if min(len(rank.x), len(validation.x), len(report.x)) < 1:
        count = len(rank.x) + len(validation.x) + (0 if options.test else len(report.x))
        what = f"too few samples, {count}: some rank, some choose, and some are reported on"
        raise EdgePruneError("--data", what, "give at least 10, better some hundreds")
    return Parts(rank, validation, report, learned if options.finetune else rank)
