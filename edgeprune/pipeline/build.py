"""The main job: model and budget in, verified artifacts out. The only file that knows the order."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.emit import to_onnx, to_ort
from edgeprune.emit.packages import OF_ONE, PACKAGES, PHONES, Facts
from edgeprune.emit.to_c import Vectors
from edgeprune.emit.to_c.writer import model_name
from edgeprune.errors import CannotFitError, EdgePruneError, UnsupportedError
from edgeprune.frontends.ports import has_many, part_ports
from edgeprune.ir import Array, Graph, couple, fed, predict, real, step_rows
from edgeprune.pipeline.choose import Chooser, room
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.log import check_log, record
from edgeprune.pipeline.notes import notes_of
from edgeprune.pipeline.options import BuildOptions, most_cycles
from edgeprune.pipeline.output import check_writable, whole_folder
from edgeprune.pipeline.phone import IN_APPS, agreement_in_app, allowed, answers_in_app, in_app
from edgeprune.pipeline.prepare import Prepared, answers, prepare
from edgeprune.pipeline.values import refuse_unknown
from edgeprune.pipeline.visited import visited
from edgeprune.progress import Progress, silent
from edgeprune.pruning import importance
from edgeprune.pruning.groups import kept_whole
from edgeprune.quantize.noise import signal_to_noise
from edgeprune.report.examples import examples, mean_picture
from edgeprune.report.page import frame, page_of
from edgeprune.report.record import Pruning, build_record, class_table
from edgeprune.target import Target, load_target
from edgeprune.verify.agreement import (
    AGREEMENT_RUNS,
    FILES,
    RELATIVE,
    Agreement,
    agree,
    answers_of,
    differing,
    on_target,
)
from edgeprune.verify.delegate import samples_of_test
from edgeprune.verify.run_c import HostModel
from edgeprune.verify.source import Distance, Rule
from edgeprune.verify.source import distance as compare

STORED_VECTORS = 4  # in the self-test that is flashed
STORED_STEPS = 32  # likewise, of a model that keeps states
SNR_SAMPLES = 16
EMULATED_MACS = 100_000_000  # some seconds in the emulator
KEPT_VECTORS = 256  # in DIR, for `verify` and `run`


@dataclass
class Clock:
    """Wall-clock seconds of the steps.

    Attributes:
        progress: told when a step begins.
        seconds: by step.
    """

    progress: Progress = silent
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add what the block takes to a step."""
        self.progress(name, 0, 0)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass(frozen=True)
class Built:
    """What a build gave.

    Attributes:
        out: the folder.
        report: the content of report.json.
        notes: what was taken for granted, e.g. a free batch taken as 1.
    """

    out: Path
    report: dict[str, Any]
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        return frame(page_of(self.report, str(self.out / "report.json")))


def build(options: BuildOptions, progress: Progress = silent) -> Built:
    """Compile a model within a budget.

    Args:
        options: what is asked for.
        progress: told how far the long steps are.

    Returns:
        The folder and the report.

    Raises:
        EdgePruneError: the input is wrong (exit status 2).
        CannotFitError: the budget cannot be met, or an artifact does not verify (exit status 1).
    """
    clock = Clock(progress)
    target = load_target(options.target)
    # refused before anything is loaded
    most_cycles(options.max_ms, target)
    if options.packages:
        refuse_unknown("--package", options.packages, tuple(PACKAGES))
    check_writable(options.out, force=options.force)
    check_log(options.log, options.out)
    with clock.step("load"):
        prepared = prepare(options, needs_data=False)
    _refuse_onnx(options, prepared)
    _check_packages(options, prepared)
    with clock.step("rank"):
        chooser = Chooser(prepared, options, progress)
        chosen = chooser.choose(target)
        pruning = _pruning(prepared, options, chosen)
    with whole_folder(options.out, force=options.force) as folder:
        report = _write(folder, prepared, options, target, chosen, pruning, chooser, clock)
        # the report is written last: its seconds are those of all that went before
        clock.seconds["total"] = sum(clock.seconds.values())
        report["seconds"] = _seconds(clock)
        text = json.dumps(report, indent=1, allow_nan=False) + "\n"
        (folder / "report.json").write_text(text)
        page = page_of(report, str(folder / "report.json"))
        (folder / "report.html").write_text(page, encoding="utf-8")
    if options.log is not None:
        record(options.log, options.out, report)
    return Built(options.out, report, tuple(report["notes"]))


def _refuse_onnx(options: BuildOptions, prepared: Prepared) -> None:
    """Files of ONNX, of a network that ONNX cannot say; an .onnx among others is left out."""
    lacks, asked = to_onnx.lacking(prepared.graph), options.emit
    if lacks and ("ort" in asked or set(asked) == {"onnx"}):
        others = [kind for kind in asked if kind not in ("onnx", "ort")] or ["c", "tflite"]
        where, hint = f"--emit {','.join(asked)}", f"--emit {','.join(others)}"
        raise UnsupportedError(where, f"ONNX has no {lacks}", hint)


def _check_packages(options: BuildOptions, prepared: Prepared) -> None:
    wrong = [p for p in options.packages if p in OF_ONE and has_many(prepared.ported)]
    if wrong:
        what = "is made for models with one input and one output"
        hint = f"take some of {', '.join(p for p in PACKAGES if p not in OF_ONE)}"
        raise EdgePruneError(f"--package {','.join(wrong)}", what, hint)
    apps = [p for p in options.packages if p in PHONES]
    if apps and prepared.ported.states:
        what = "is made for models that keep nothing from call to call"
        hint = "--emit tflite writes the file for an app"
        raise EdgePruneError(f"--package {','.join(apps)}", what, hint)
    if options.url and not re.fullmatch(r"https?://[!-~]+", options.url):
        raise EdgePruneError("--url", f"{options.url!r} is no address", "such as https://...")


def _seconds(clock: Clock) -> dict[str, float]:
    names = ("total", "rank", "quantize", "emit", "verify")
    return {k: round(clock.seconds.get(k, 0.0), 3) for k in names}


def _pruning(prepared: Prepared, options: BuildOptions, chosen: Candidate) -> Pruning | None:
    """What was removed, and the scores of what was not."""
    if chosen.pruned is None:
        return None
    kept = importance.rest(
        prepared.float_graph,
        chosen.pruned,
        chosen.float_graph,
        prepared.rank,
        options.criterion,
        seed=options.seed,
    )
    removed = [(s.name, s.score) for s in chosen.pruned.history]
    return Pruning(options.criterion, options.schedule, removed, kept)


def _write(
    folder: Path,
    prepared: Prepared,
    options: BuildOptions,
    target: Target,
    chosen: Candidate,
    pruning: Pruning | None,
    chooser: Chooser,
    clock: Clock,
) -> dict[str, Any]:
    compiled, progress = chosen.compiled, clock.progress
    graph = compiled.graph
    name = model_name(prepared.path.stem)
    c_dir = folder / "c"
    with clock.step("verify"):
        proven = prepared.report.x
        if prepared.reported is None:  # nothing is told of its accuracy
            proven = proven[:AGREEMENT_RUNS]
        rows = fed(graph, proven)
        compiled.write_c(c_dir, name)
        with HostModel(c_dir) as model:
            ours = model.run(rows)
        stored, answer = rows[:KEPT_VECTORS], ours[:KEPT_VECTORS]
    with clock.step("emit"):
        tolerance = RELATIVE if answer.dtype.kind == "f" else 0.0
        few = STORED_STEPS if graph.states else STORED_VECTORS
        vectors = Vectors(stored[:few], answer[:few], tolerance)
        compiled.write_c(c_dir, name, vectors)
        if "tflite" in options.emit:
            (folder / "model.tflite").write_bytes(compiled.tflite)
        if "onnx" in options.emit and compiled.has_onnx:
            (folder / "model.onnx").write_bytes(compiled.onnx)
        if "ort" in options.emit:
            converted, needed = compiled.ort
            (folder / "model.ort").write_bytes(converted)
            (folder / to_ort.CONFIG).write_bytes(needed)
        if "tflm" in options.emit:
            (folder / FILES["tflm"][0]).write_bytes(compiled.tflm)
        np.savez_compressed(
            folder / "vectors.npz",
            inputs=stored,
            outputs=answer,
            source=prepared.reference[:KEPT_VECTORS],
            labels=prepared.report.y[:KEPT_VECTORS] if prepared.report.y is not None else [],
        )
    with clock.step("verify"):
        progress("verify", 0, 3)
        files = answers_of(folder, rows)
        progress("verify", 1, 3)
        app_says = answers_in_app(compiled, options, target, rows)
        progress("verify", 2, 3)
        found = {**files, "c": ours}
        if app_says is not None:
            found["tflite_default"] = app_says
        accuracy, tables = _accuracy(prepared, chosen, found)
        shown = samples_of_test(stored)
        compared = {kind: theirs[:AGREEMENT_RUNS] for kind, theirs in files.items()}
        some = rows[:AGREEMENT_RUNS], ours[:AGREEMENT_RUNS]
        agreement = agree(compared, some[1], within=allowed(compiled, *some))
        progress("verify", 3, 3)
        rule = _rule(prepared, chosen)
        distance = compare(real(graph, answer), prepared.reference[: len(answer)], rule)
        optimize = compiled.recipe.optimize
        missed: list[str] = []
        few_rows = stored[: _runs(graph)]
        run = on_target(c_dir, target, few_rows, optimize, profile=True, notes=missed)
        snr = signal_to_noise(chosen.float_graph, graph, prepared.rank.x[:SNR_SAMPLES])
    mismatches = None
    if run is not None:
        mismatches = differing(run.outputs, answer[: len(run.outputs)])
    _refuse_disagreement(agreement, mismatches, distance)
    given = room(options, target)
    made = build_record(
        command=options.command,
        seed=options.seed,
        path=prepared.path,
        sha256=prepared.sha256,
        source=prepared.graph,
        pruned=chosen.float_graph,
        compiled=compiled,
        size=chosen.size,
        before=chosen.before,
        target=target,
        budget=given.flash,
        ram=given.ram,
        accuracy=accuracy,
        agreement=agreement,
        default=agreement_in_app(ours, app_says, graph, shown),
        distance=distance,
        mismatches=mismatches,
        run=run,
        free=prepared.free,
        pruning=pruning,
        tried=chooser.tried,
        classes=tables,
        snr=snr,
        visited=visited(prepared, chosen, chooser.passed),
        **_shown(prepared, real(graph, ours)),
        labels=prepared.labels,
        kept_whole=kept_whole(prepared.float_graph, couple(prepared.float_graph)),
        notes=(*notes_of(options, chosen, prepared), *missed),
        further=_further(folder, options),
    )
    made["app"] = in_app(compiled, target, chooser.speed)
    facts = Facts(
        name,
        made,
        graph,
        compiled.plan,
        stored[:shown],
        answer[:shown],
        options.author,
        options.url,
    )
    _write_packages(folder, options.packages, facts)
    if "c" not in options.emit:
        _remove(c_dir)
    return made


def _further(folder: Path, options: BuildOptions) -> dict[str, int]:
    """Bytes of the files that are written only when they are asked for."""
    names = {kind: FILES[kind][0] for kind in ("ort", "tflm") if kind in options.emit}
    return {kind: (folder / name).stat().st_size for kind, name in names.items()}


def _shown(prepared: Prepared, built: Array) -> dict[str, Any]:
    """Samples that people look at, and a picture of the mean one; made up ones tell nothing."""
    if prepared.reported is None:
        return {}
    graph, x = prepared.graph, prepared.report.x
    shape = graph.types[graph.inputs[0]].shape if len(graph.inputs) == 1 else None
    return {
        "examples": examples(x, prepared.report.y, prepared.reference, built, shape),
        "mean": None if shape is None else mean_picture(x, shape),
    }


def _runs(graph: Graph) -> int:
    """Inferences on the emulated core: 100, fewer for models that would take it minutes."""
    return int(np.clip(EMULATED_MACS // max(graph.macs, 1), 10, 100))


def _write_packages(folder: Path, names: Sequence[str], facts: Facts) -> None:
    """Project files, each set in packages/<ecosystem>/<model>."""
    files = {p.name: p.read_bytes() for p in (folder / "c").iterdir()}
    for name in names:
        for path, content in PACKAGES[name](files, facts).items():
            file = folder / "packages" / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def _remove(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def _accuracy(
    prepared: Prepared, chosen: Candidate, outputs: Mapping[str, Array]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Share of right answers of the source model and of every artifact, on the report samples.

    Args:
        prepared: the model and its data.
        chosen: what was built.
        outputs: by artifact what it answers, as it does.
    """
    kinds = ("source", "pruned", "tflite", "tflite_default", "onnx", "ort", "tflm", "c")
    found: dict[str, Any] = {"n": 0, "samples": prepared.reported, "labels": None}
    found |= dict.fromkeys(kinds)
    if prepared.reported is None:
        return found, None
    x = prepared.report.x
    y = prepared.report.y if prepared.report.y is not None else answers(prepared.reference)
    said = {k: answers(real(chosen.compiled.graph, made)) for k, made in outputs.items()}
    said["source"] = said["pruned"] = answers(prepared.reference)
    if chosen.float_graph is not prepared.graph:
        smaller = part_ports(chosen.float_graph)
        made = step_rows(smaller, x)[1] if smaller.states else predict(chosen.float_graph, x)
        said["pruned"] = answers(made)
    found["n"] = len(x)
    found["labels"] = "data" if prepared.labelled else "source model"
    found |= {kind: float((made == y).mean()) for kind, made in said.items()}
    tables = class_table(y, said["source"], said["c"])
    return found, tables if prepared.labelled else None


def _rule(prepared: Prepared, chosen: Candidate) -> Rule:
    """How close the answers have to be to the source model's."""
    if chosen.compiled.graph is prepared.graph:
        return "exact" if prepared.graph.is_quantised else "float32"
    as_it_was = chosen.float_graph is prepared.graph
    is_real = not chosen.compiled.graph.is_quantised
    is_real &= chosen.compiled.recipe.dtype not in IN_APPS
    return "float32" if as_it_was and is_real else "measured"


def _refuse_disagreement(agreement: Agreement, mismatches: int | None, distance: Distance) -> None:
    if distance.rule == "exact" and not distance.holds:
        raise CannotFitError(
            "verify",
            f"answers are off the source model's by {distance.max_relative:.3g}",
            "this is a defect of edgeprune; please report the model",
        )
    for wrong, file in (
        (agreement.c_vs_tflite_mismatches, ".tflite"),
        (agreement.c_vs_tflm_mismatches, ".tflite for TFLite Micro"),
    ):
        if wrong:
            raise CannotFitError(
                "verify",
                f"{wrong} output bytes of the C differ from the {file}",
                "this is a defect of edgeprune; please report the model",
            )
    if mismatches:
        raise CannotFitError(
            "verify",
            f"{mismatches} outputs on the emulated core differ from the host's",
            "this is a defect of edgeprune; please report the model",
        )
