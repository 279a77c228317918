"""Reads the model and the data, and keeps apart what is reported on from what chooses."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from edgeprune import bundled
from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.heard import Front, without_sound
from edgeprune.frontends.normalize import fuse, normalise_input, unfuse
from edgeprune.frontends.ports import drop_unread, join_ports, part_ports
from edgeprune.frontends.states import paired
from edgeprune.frontends.stream import streaming, windows
from edgeprune.ir import (
    Array,
    Graph,
    Samples,
    explicit,
    fed,
    in_elements,
    in_reals,
    join_rows,
    predict,
    real,
    run_int,
    split_rows,
    step_rows,
)
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.samples import Given, Reported, divided, given_samples
from edgeprune.progress import Progress, silent
from edgeprune.pruning.lossless import Report as Free
from edgeprune.pruning.lossless import fold
from edgeprune.pruning.subnet import Detector, detector, extract, label_activity, labels_of
from edgeprune.pruning.truth import Truth, border_of, truth_of
from edgeprune.quantize import Observed, dequantise, observe, of_ends
from edgeprune.quantize.observe import ENDLESS, ENDLESS_HINT
from edgeprune.verify import run_tflite

LIMIT_STEPS = 2000  # of a sequence, that rank and choose
UNUSED_STEPS = 32  # of a sequence, where nothing is chosen
HEARD = "what is compared with is the network's own integers: nothing else runs both files"
BYTES = (0.0, 255.0)
CALIBRATION = 2000  # samples that scales are taken from
CALIBRATED = 500  # in any case
CALIBRATED_ELEMENTS = 2**27  # of all values of all of them


@dataclass(frozen=True)
class Prepared:
    """A model with its data, split.

    Attributes:
        graph: the source model as it was read.
        float_graph: the same in float32: what is pruned. Of a model that keeps states, one call:
            they are inputs and outputs.
        path: its file.
        sha256: hash of the file.
        rank: samples that rank neurons and calibrate scales; of a model that keeps states,
            what single calls of a sequence take, states and all.
        validation: samples that choose between candidates, likewise.
        report: samples that nothing was chosen by, of the arguments; a sequence from its start
            where the model keeps states.
        learned: samples that training may see, where it is asked for.
        reference: the source model's outputs for ``report``, real values.
        free: what was folded away without any loss.
        chooses: whether ``rank`` and ``validation`` may choose; otherwise they are generated, and
            the network is compiled as it is.
        reported: what accuracy is measured on; None: ``report`` is generated, there is none.
        notes: what was taken for granted.
        labels: names of the classes that ``report`` has; empty where they were not given.
        behind: the network alone where ``graph`` has a front end before it.
        front: of a network alone, what is put before it when it has its types, as it is measured.
        ends: real values of the smallest and the largest integer of inputs that keep theirs.
    """

    graph: Graph
    float_graph: Graph
    path: Path
    sha256: str
    rank: Samples
    validation: Samples
    report: Samples
    learned: Samples
    reference: Array
    free: Free
    chooses: bool
    reported: Reported | None
    notes: tuple[str, ...]
    labels: tuple[str, ...] = ()
    behind: Graph | None = None
    front: Front | None = None
    ends: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    _observed: list[tuple[Graph, Mapping[str, Observed]]] = field(default_factory=list)

    def observed(self, graph: Graph, progress: Progress = silent) -> Mapping[str, Observed]:
        """What calibration samples make every value of a network take.

        Args:
            graph: float: the source model, which is looked at only once, or what was made of it.
            progress: told after every batch.
        """
        for known, seen in self._observed:
            if known is graph:
                return seen
        held = sum(graph.types[n.output].size for n in graph.nodes)
        most = min(CALIBRATION, max(CALIBRATED, CALIBRATED_ELEMENTS // max(held, 1)))
        seen = observe(fuse(graph), self.rank.x[:most], progress=progress)
        if self.rank.bytes and len(part_ports(graph).inputs) == 1:
            seen = of_ends(seen, graph.inputs[0], BYTES)
        for value, ends in self.ends.items():
            seen = of_ends(seen, value, ends)
        if graph is self.float_graph:
            self._observed.append((graph, seen))
        return seen

    def accuracy(self, outputs: Array) -> float:
        """How right answers to the validation samples are: see :meth:`Truth.right`.

        Args:
            outputs: of the validation samples in order, or of the first of them.
        """
        return self._validated.right(self._results(outputs))

    @cached_property
    def truth(self) -> Truth:
        """What is right of the reported samples: what they or, else, the source model say."""
        return self._truth(self.report, lambda: self.reference)

    def scored(self) -> dict[str, int | str | float]:
        """How the accuracies of a page were measured, and that of the source model."""
        return {
            "n": len(self.truth),
            "measure": self.truth.measure,
            "labels": self.told_by,
            "source": self.truth.right(self.reference),
        }

    @property
    def told_by(self) -> str:
        """Who says what is right of the reported samples."""
        return "data" if self.report.told else "source model"

    @cached_property
    def ported(self) -> Graph:
        """The source model with its own inputs, outputs and states."""
        return part_ports(self.graph)

    def _results(self, outputs: Array) -> Array:
        """Of rows of all outputs, those that are answers."""
        graph = self.ported
        if not graph.states:
            return outputs
        count = sum(graph.types[v].size for v in graph.results)
        return outputs.reshape(len(outputs), -1)[:, :count]

    @cached_property
    def source_accuracy(self) -> float:
        """Of the float network with all its channels, on the validation samples."""
        return self.accuracy(predict(self.float_graph, self.validation.x))

    @cached_property
    def _validated(self) -> Truth:
        def answers() -> Array:
            if self.ported.states:
                return self._results(one_call(self.graph, self.validation.x))
            return source_outputs(self.graph, self.path, self.validation.x)

        return self._truth(self.validation, answers)

    def _truth(self, data: Samples, answers: Callable[[], Array]) -> Truth:
        graph = part_ports(self.float_graph)
        border = border_of(self.float_graph, self.rank)
        if graph.states:  # nothing is told of single calls
            border = border_of(graph, self.report, self.reference)
        return truth_of(graph, data, answers, border=border)


def prepare(options: BuildOptions, *, needs_data: bool = True) -> Prepared:
    """Load and split.

    Args:
        options: what was asked for.
        needs_data: whether there is nothing to do without samples.

    Raises:
        EdgePruneError: the model or the data cannot be used.
    """
    path = options.model or bundled.model_path()
    window = _raw(paired(load(path), options.state), options)
    network, front = drop_unread(_streamed(window, options)), _front(options)
    graph, free = fold(network if front is None else front.before(network))
    _refuse_states(graph, options, builds=not needs_data)
    given = given_samples(options, graph, optional=not needs_data)
    source = graph
    if graph.states:
        given = replace(given, work=_single_calls(given, graph))
    parts = divided(given, graph, options)
    float_graph = join_ports(unfuse(dequantise(graph)) if graph.is_quantised else graph)
    graph = graph if graph.is_quantised else float_graph
    labels = _labels(options, graph)
    if options.classes is not None:
        found = _specialist(options, float_graph, parts.rank)
        graph = float_graph = found.graph
        parts = parts.each(found.relabel)
    return Prepared(
        graph,
        float_graph,
        path,
        digest(path),
        parts.rank,
        parts.validation,
        parts.report,
        parts.learned,
        _reference(options, window, source if source.states else graph, path, parts.report.x),
        free,
        given.chooses,
        given.reported,
        (*graph.notes, *given.notes, *((HEARD,) if options.frontend else ())),
        labels,
        None if front is None else network,
        front,
    )


def _streamed(window: Graph, options: BuildOptions) -> Graph:
    """The network that takes new frames alone, where that is asked for."""
    if not options.stream:
        return window
    front = None if options.frontend is None else load(options.frontend)
    return streaming(window, 0.0 if front is None else without_sound(window, front))


def _front(options: BuildOptions) -> Front | None:
    """What makes features of samples of sound, where that is asked for."""
    if options.frontend is None or options.hop is None:
        return None
    return Front(load(options.frontend), options.hop)


def _reference(options: BuildOptions, window: Graph, graph: Graph, path: Path, x: Array) -> Array:
    """What the source model answers; of a network that takes samples, what its own integers are.

    Args:
        options: of the build.
        window: the network as it was read.
        graph: what is built.
        path: the file of ``window``.
        x: samples of the arguments of ``graph``.
    """
    if options.frontend is not None:
        return step_rows(graph, x)[1]
    if options.stream:
        return source_outputs(window, path, windows(window, graph, x))
    outputs = source_outputs(graph, path, x)
    endless = ~np.isfinite(outputs.reshape(len(outputs), -1)).all(axis=1)
    if endless.any() and not (graph.states or graph.is_quantised):
        observe(graph, x[endless])  # says which operator it is
        raise EdgePruneError(str(path), f"its answer {ENDLESS}", ENDLESS_HINT)
    return outputs


def _refuse_states(graph: Graph, options: BuildOptions, *, builds: bool) -> None:
    """What looks at samples one by one does not go with a model that keeps something of them."""
    asked = {"--classes": options.classes is not None, "--finetune": options.finetune > 0}
    wrong = [name for name, given in asked.items() if given]
    if graph.states and (wrong or not builds):
        names = ", ".join(graph.said(v) for v in graph.states)
        raise EdgePruneError(
            ", ".join(wrong) or graph.name,
            f"the model keeps states from call to call ({names})",
            f"it can be compiled: edgeprune build {shlex.quote(str(options.model))}",
        )


def _single_calls(given: Given, graph: Graph) -> Samples:
    """What each call of a sequence takes, states and all."""
    steps = LIMIT_STEPS if given.chooses else UNUSED_STEPS
    return Samples(step_rows(graph, given.work.x[:steps])[0], bytes=given.work.bytes)


def _labels(options: BuildOptions, graph: Graph) -> tuple[str, ...]:
    """Names of the classes of what is built; a single output has two."""
    names = tuple(options.labels)
    if not names:
        return ()
    count = max(sum(graph.types[v].size for v in graph.results), 2)
    if len(names) != count:
        what = f"{len(names)} names for {count} classes"
        raise EdgePruneError("--labels", what, "give one for each, in the order of the outputs")
    if options.classes is None:
        return names
    wanted = [c for c in options.classes if c < count]
    if len(wanted) == 1:
        return (f"not {names[wanted[0]]}", names[wanted[0]])
    return tuple(names[c] for c in wanted)


def _raw(graph: Graph, options: BuildOptions) -> Graph:
    """The network that takes samples as they are, before the normalisation it was trained with."""
    if options.mean is None and options.std is None:
        return graph
    if graph.is_quantised:
        raise EdgePruneError("--mean", "the model is quantised: its scales say what its input is")
    if len(graph.inputs) > 1:
        raise EdgePruneError("--mean", f"the model has {len(graph.inputs)} inputs, not one")
    shape = graph.types[graph.inputs[0]].shape
    for option, values in (("--mean", options.mean), ("--std", options.std)):
        if values is not None and len(values) not in (1, shape[-1]):
            raise EdgePruneError(option, f"has {len(values)} numbers for {shape[-1]} channels")
    mean = np.asarray(options.mean or (0.0,))
    return normalise_input(graph, mean, np.asarray(options.std or (1.0,)))


def _specialist(options: BuildOptions, graph: Graph, data: Samples) -> Detector:
    """A detector of some labels; without any limit, of the neurons that are active for them."""
    labels = options.classes or ()
    labels_of(data, "--classes: --data")
    activity = label_activity(graph, data)
    subnet = extract(graph, activity, labels, zeta=options.zeta)
    return detector(graph if options.has_limits else subnet.graph, data, labels)


def source_outputs(graph: Graph, path: Path, x: Array) -> Array:
    """What the source model answers, real values; one that keeps states, call after call.

    A quantised ``.tflite`` is run as it is, under LiteRT's reference kernels; other quantised
    models in their own integers, and what LiteRT cannot run.

    Args:
        graph: as it was read.
        path: its file.
        x: float32 samples of its arguments, (n, *input shape).
    """
    if graph.is_quantised and path.suffix == ".tflite":
        content = path.read_bytes()
        if run_tflite.runs(content):
            return real(graph, run_tflite.run(content, fed(graph, x), signed=True))
    return step_rows(graph, x)[1] if graph.states else one_call(graph, x)


def one_call(graph: Graph, x: Array) -> Array:
    """What a network answers to each sample on its own, in its own arithmetic.

    Args:
        graph: float or quantised; states are inputs and outputs like any others.
        x: float32 rows of all inputs.

    Returns:
        Rows of all outputs, real values.
    """
    graph = explicit(graph)
    if not graph.is_quantised:
        return predict(join_ports(graph), x)
    types = [graph.types[v] for v in graph.inputs]
    made = []
    for i in range(0, len(x), 64):
        parts = zip(graph.inputs, split_rows(x[i : i + 64], types), types, strict=True)
        values = run_int(graph, {v: in_elements(p, t) for v, p, t in parts})
        made.append(join_rows([in_reals(values[v], graph.types[v]) for v in graph.outputs]))
    return np.concatenate(made)


def digest(path: Path) -> str:
    """The hash of a file, or of all files of a folder."""
    found = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()
