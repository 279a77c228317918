"""The main job: model and budget in, verified artifacts out. The only file that knows the order."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeprune.compiler.compile import Compiled
from edgeprune.emit.lacking import KINDS, lacking
from edgeprune.emit.packages import OF_ONE, PACKAGES, PHONES, Facts
from edgeprune.emit.to_c.writer import model_name
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.ports import has_many
from edgeprune.ir import Array, couple, real
from edgeprune.pipeline.artifacts import (
    Answered,
    bytes_when_asked,
    remove_folder,
    run_c,
    write_files,
    write_packages,
)
from edgeprune.pipeline.choose import Chooser
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.log import check_log, record
from edgeprune.pipeline.notes import notes_of
from edgeprune.pipeline.options import BuildOptions, most_cycles
from edgeprune.pipeline.output import check_writable, whole_folder
from edgeprune.pipeline.phone import in_app
from edgeprune.pipeline.prepare import Prepared, digest, prepare
from edgeprune.pipeline.proof import prove
from edgeprune.pipeline.room import room
from edgeprune.pipeline.values import refuse_unknown
from edgeprune.pipeline.visited import visited
from edgeprune.progress import Progress, silent
from edgeprune.pruning import importance
from edgeprune.pruning.groups import kept_whole
from edgeprune.report.examples import examples, mean_picture
from edgeprune.report.page import frame, page_of
from edgeprune.report.record import Asked, Made, Pruning, Shown, Source, build_record
from edgeprune.report.schema import Report, Seconds
from edgeprune.target import Target, load_target
from edgeprune.verify.delegate import samples_of_test


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
    report: Report
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
    _refuse_files(options, prepared, target)
    _check_packages(options, prepared)
    with clock.step("rank"):
        chooser = Chooser(prepared, options, progress)
        chosen = chooser.choose(target)
        pruning = _pruning(chooser.prunes, options, chosen)
        if prepared.behind is not None and pruning is not None:
            # it is compared by what the files answer to sound
            chosen = replace(chosen, float_graph=chosen.compiled.graph, pruned=None)
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


def _refuse_files(options: BuildOptions, prepared: Prepared, target: Target) -> None:
    """Files that cannot say the network: alone, or of a kind that is written only if asked for.

    An .onnx and a .tflite among others are left out.
    """
    asked = options.emit
    lacks = {kind: lacking(prepared.graph, kind) for kind in (*asked, "c", "tflite")}
    if said := lacking(prepared.graph, target.basis):
        what = f"{KINDS[target.basis]} has no {said}"
        raise UnsupportedError(f"--target {target.name}", what, "a core or a board runs the C")
    wrong = [kind for kind in asked if lacks[kind]]
    if wrong and (len(wrong) == len(asked) or {"ort", "tflm"} & set(wrong)):
        able = [kind for kind, said in lacks.items() if not said]
        others = [kind for kind in able if kind in asked] or able
        where, hint = f"--emit {','.join(asked)}", f"--emit {','.join(others)}"
        raise UnsupportedError(where, f"{KINDS[wrong[0]]} has no {lacks[wrong[0]]}", hint)


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


def _seconds(clock: Clock) -> Seconds:
    def of(step: str) -> float:
        return round(clock.seconds.get(step, 0.0), 3)

    return {
        "total": of("total"),
        "rank": of("rank"),
        "quantize": of("quantize"),
        "emit": of("emit"),
        "verify": of("verify"),
    }


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
) -> Report:
    compiled, graph = chosen.compiled, chosen.compiled.graph
    name = model_name(prepared.path.stem)
    with clock.step("verify"):
        answered = run_c(folder, name, prepared, compiled)
    with clock.step("emit"):
        write_files(folder, name, prepared, options, compiled, answered)
    with clock.step("verify"):
        proof, missed = prove(folder, prepared, options, target, chosen, answered, clock.progress)
    given, says = room(options, target), real(graph, answered.outputs)
    made = build_record(
        Asked(
            options.command,
            options.seed,
            target,
            given.flash,
            given.ram,
            options.packages,
        ),
        Source(
            prepared.path,
            prepared.sha256,
            prepared.graph,
            prepared.free,
            prepared.labels,
            kept_whole(chooser.prunes.float_graph, couple(chooser.prunes.float_graph)),
            None if options.frontend is None else (options.frontend.name, digest(options.frontend)),
        ),
        Made(
            chosen.float_graph,
            compiled,
            chosen.size,
            chosen.before,
            pruning,
            chosen.epochs,
            chooser.tried,
            visited(prepared, chosen, chooser.passed),
            bytes_when_asked(folder, options),
            in_app(compiled, target, chooser.speed),
        ),
        proof,
        _shown(prepared, says),
        (*notes_of(options, chosen, prepared, says), *missed),
    )
    _pack(folder, name, made, options, compiled, answered)
    if "c" not in options.emit:
        remove_folder(folder / "c")
    return made


def _pack(
    folder: Path,
    name: str,
    made: Report,
    options: BuildOptions,
    compiled: Compiled,
    answered: Answered,
) -> None:
    """Write the projects that are asked for around what was built."""
    shown = samples_of_test(answered.kept_rows)
    facts = Facts(
        name,
        made,
        compiled.graph,
        compiled.plan,
        answered.kept_rows[:shown],
        answered.kept_outputs[:shown],
        options.author,
        options.url,
    )
    write_packages(folder, options.packages, facts)


def _shown(prepared: Prepared, built: Array) -> Shown:
    """Samples that people look at, and a picture of the mean one; made up ones tell nothing."""
    if prepared.reported is None:
        return Shown()
    graph, x = prepared.graph, prepared.report.x
    shape = graph.types[graph.inputs[0]].shape if len(graph.inputs) == 1 else None
    return Shown(
        examples(
            x,
            prepared.truth,
            prepared.reference,
            built,
            shape,
            told=prepared.told_by == "data",
        ),
        None if shape is None else mean_picture(x, shape),
    )
