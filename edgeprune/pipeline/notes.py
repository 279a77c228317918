"""What has to be said of a build beside its figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.compiler.compile import FLOATS, Compiled
from edgeprune.emit.lacking import KINDS, lacking
from edgeprune.ir import Array, DType, Graph, split_rows
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import Prepared
from edgeprune.pruning.truth import Truth
from edgeprune.report.interface import elements_read

FAINT = 0.5  # of a step of an input's scale: elements that vary by less are as good as constant
MIDDLE, MOST = 128, 255  # of bytes: whole numbers that end below the one may be counts
STILL = 1e-5  # of the largest number: what differs less does not vary
HIDDEN = 0.01  # of R2: outputs are told apart where one is so much worse than all
FEW = 20
"""Samples: with fewer, labels are not doubted, and accuracies are said to tell next to nothing."""


def notes_of(
    options: BuildOptions, chosen: Candidate, prepared: Prepared, says: Array
) -> tuple[str, ...]:
    """What was taken for granted, what an option did not do, and what figures do not show.

    Args:
        options: of the build.
        chosen: what was built.
        prepared: the model and its data.
        says: real answers of the C to the reported samples, rows of all outputs.
    """
    compiled = chosen.compiled
    target, notes = compiled.recipe.target, []
    if options.optimize == "ram" and (target.progmem or compiled.graph.states):
        why = f"{target.name} runs" if target.progmem else "a model that keeps states is run"
        notes.append(f"--optimize ram is as speed here: {why} layer by layer")
    if compiled.recipe.slow:
        notes.append(slow(compiled))
    if "arduino" in options.packages and not target.progmem:
        notes.append(
            f"packages/arduino is built for {target.name}: boards with AVR (Uno, Mega) need a "
            "build of their own, --target arduino-uno or arduino-mega-2560"
        )
    if chosen.float_graph.is_quantised and options.dtype not in ("auto", "int8"):
        notes.append(f"--dtype {options.dtype} changes nothing: the file's integers are kept")
    if options.finetune and not chosen.epochs:
        why = "no channel goes" if chosen.pruned is None else "what it makes does not fit"
        notes.append(f"--finetune {options.finetune} does nothing here: {why}")
    for kind in options.emit:
        if lacks := lacking(compiled.graph, kind):
            notes.append(f"no .{kind} is written: {KINDS[kind]} has no {lacks}")
    if prepared.reported is not None:
        keeps = chosen.float_graph.is_quantised
        # weights as floats, or as the file has them, and all of them: there is one such network
        is_only = chosen.pruned is None and (keeps or options.dtype in FLOATS)
        notes += few(None if is_only else len(prepared.validation), len(prepared.report))
        notes += faint(compiled.graph, prepared.report.x, keeps_integers=keeps)
        notes += uneven(compiled.graph, prepared.truth, says)
        notes += doubted(prepared, scaled=options.mean is not None or options.std is not None)
    return (*prepared.notes, *notes)


def slow(compiled: Compiled) -> str:
    """That code is small and slow because nothing else fits, and by how much."""
    quick = replace(compiled.recipe, slow=False).compile_typed(compiled.graph, thorough=False)
    return (
        "as nothing else fits, kernels are those of the least code, which take about "
        f"{compiled.work / max(quick.work, 1):.1f} times as long as the portable ones: a larger "
        "--budget has room for quick ones"
    )


def few(validation: int | None, report: int) -> list[str]:
    """That samples held out are too few to tell anything, if they are.

    Args:
        validation: how many choose between networks; None: nothing is chosen.
        report: how many accuracy is reported on.
    """
    said = []
    if validation is not None and validation < FEW:
        said.append(f"what is built is chosen by the accuracy on {_samples(validation)}")
    if report < FEW:
        said.append(f"accuracy is reported on {_samples(report)}")
    return [f"{' and '.join(said)}, which tells next to nothing: give some hundred"] if said else []


def _samples(count: int) -> str:
    return f"{count} sample" if count == 1 else f"{count} samples"


def doubted(prepared: Prepared, *, scaled: bool) -> list[str]:
    """What samples and labels may not be as the network was trained with.

    Args:
        prepared: the reported samples, and what the source model answers.
        scaled: whether the user said what is done to samples.
    """
    notes = []
    if not scaled and _as_bytes(prepared) and not _fits(prepared):
        notes.append(
            "samples are whole numbers from 0 to 255, as bytes are, and go in as they are; for a "
            "network that was trained on 0 to 1 give --std 255"
        )
    told, right = prepared.report.told, prepared.truth.right(prepared.reference)
    is_off = not _fits(prepared) if told == "y" else right == 0
    if told and is_off and len(prepared.report) >= FEW:
        notes.append(_doubted_truth(prepared))
    return notes


def _doubted_truth(prepared: Prepared) -> str:
    """That labels or numbers are not what the source model answers, and what may be done."""
    if prepared.report.y is None:
        return (
            "the source model explains nothing of y: are y, and their order and scale, what it "
            "was trained to give, and samples scaled as in training?"
        )
    if _is_autoencoder(prepared):
        return (
            "the source model gives its input again, and labels of classes say nothing of that: "
            "leave y out, and accuracy is how near its answers stay to the source model's; or give "
            "y = x, and it is how much of the input is found again"
        )
    said, y = prepared.truth.said(prepared.reference), prepared.truth.values
    kinds, counts = np.unique(y, return_counts=True)
    right, most = (said == y).mean(), counts.max() / len(y)
    why = "are labels numbered, and samples scaled, as in training?"
    last = max(prepared.reference[0].size, 2) - 1
    for sign, by in (("-", 1), ("+", -1)):
        if (share := (said + by == y).mean()) > most:
            why = f"y {sign} 1 is what it answers for {share:.1%}: "
            is_label = kinds[0] - by >= 0 and kinds[-1] - by <= last
            why += "give labels so" if is_label else "its classes have another order"
    return (
        f"the source model answers {right:.1%} of the samples as they are labelled, no more "
        f"than if it always said {kinds[counts.argmax()]} ({most:.1%}): {why}"
    )


def _is_autoencoder(prepared: Prepared) -> bool:
    """Whether the answers of the source model explain some of what they are answers to."""
    if prepared.reference.shape != prepared.report.x.shape:
        return False
    return Truth(prepared.report.x).right(prepared.reference) > 0


def uneven(graph: Graph, truth: Truth, outputs: Array) -> list[str]:
    """That R2 hides an output which varies less than the others, and is explained worse.

    Args:
        graph: the model.
        truth: of numbers, of all outputs.
        outputs: rows of real answers of the same samples.
    """
    if len(graph.results) < 2 or truth.measure != "r2":
        return []
    types = [graph.types[v] for v in graph.results]
    parts = zip(split_rows(truth.values, types), split_rows(outputs, types), strict=True)
    alone = [Truth(t.reshape(len(t), -1)).right(said) if _varies(t) else 1.0 for t, said in parts]
    worst = int(np.argmin(alone))
    if alone[worst] > truth.right(outputs) - HIDDEN:
        return []
    name = graph.said(graph.results[worst])
    said = (
        f"outputs count by how much they vary, and the output {name!r} counts for little: its own "
        f"R2 is {alone[worst]:.2%}. Networks whose outputs vary alike are pruned for all of them: "
        "scale it up in the model, and down behind it"
    )
    return [said]


def _varies(values: Array) -> bool:
    """Whether numbers differ by more than what float32 loses of them."""
    return bool(np.ptp(values) > STILL * np.abs(values).max(initial=0))


def _as_bytes(prepared: Prepared) -> bool:
    """Whether samples have the values of bytes, whatever type held them, for a network of reals.

    One whose own file takes integers knows what to do with them.
    """
    graph, x = prepared.graph, prepared.report.x
    for v in graph.arguments:
        port = graph.ports.get(v)
        if graph.types[v].quant or graph.types[v].is_index:
            return False
        if port is not None and port.dtype is not DType.FLOAT32:
            return False
    if prepared.report.bytes:
        return True
    return bool(x.min() >= 0 and MIDDLE <= x.max() <= MOST and (x == np.rint(x)).all())


def _fits(prepared: Prepared) -> bool:
    """Whether labels or numbers show that samples are as the network was trained with.

    Numbers do where anything of them is explained, marks and labels where more are right than if
    the commonest one were always said. Labels do, too, where their balanced accuracy, the mean over
    labels of the share that is right (Brodersen et al. 2010), is above that of answers that know
    nothing of them: above 1 over the number of labels by more than the standard deviation that it
    has then. Where there is one label alone, that number is the model's.
    """
    if not prepared.report.told:
        return False
    y = prepared.truth.values
    if prepared.report.y is None:
        always = 0.0 if y.dtype.kind == "f" else np.unique(y, return_counts=True)[1].max() / y.size
        return bool(prepared.truth.right(prepared.reference) > always)
    right = prepared.truth.said(prepared.reference) == y
    kinds, counts = np.unique(y, return_counts=True)
    if right.mean() > counts.max() / len(y):
        return True
    n = len(kinds) if len(kinds) > 1 else max(prepared.reference[0].size, 2)
    deviation = np.sqrt((n - 1) / n**2 * (1 / counts).sum()) / len(kinds)
    balanced = np.mean([right[y == kind].mean() for kind in kinds])
    return bool(balanced > 1 / n + deviation)


def faint(graph: Graph, x: Array, *, keeps_integers: bool = False) -> list[str]:
    """Of each input, how many elements that are read are lost beside others that are far larger.

    Args:
        graph: as it is emitted; inputs that are not quantised lose nothing.
        x: float32 rows of its arguments.
        keeps_integers: whether it is a file's, whatever type is asked for.
    """
    notes = []
    types = [graph.types[v] for v in graph.arguments]
    for name, part, of in zip(graph.arguments, split_rows(x, types), types, strict=True):
        if of.quant is None:
            continue
        step = float(of.quant.scale[0])
        width = np.ptp(part.reshape(len(part), -1), axis=0)
        is_read = elements_read(graph, name).ravel()
        if lost := int((is_read & (width > 0) & (width < FAINT * step)).sum()):
            notes.append(
                f"of {len(width):,} elements of the input {name!r} {lost:,} are lost beside larger "
                f"ones: over all samples they vary by less than half a step of {of.dtype.value} "
                f"({step:.3g}). Train on elements of like size, each less its mean and over its "
                "deviation, and give such samples"
                + ("" if keeps_integers else "; or --dtype float32")
            )
    return notes
