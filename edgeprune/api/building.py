"""``build`` and ``fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeprune.api.arguments import Data, Labels, Model, Numbers, Size, Words, options_of
from edgeprune.api.notebook import Result, told
from edgeprune.pipeline.build import Built
from edgeprune.pipeline.build import build as run_build
from edgeprune.pipeline.fit import fit_model
from edgeprune.pipeline.options import DtypeChoice, Optimize
from edgeprune.pipeline.values import parse_names
from edgeprune.progress import Progress
from edgeprune.pruning.ranking import Schedule


def build(
    model: Model = None,
    example_input: Any = None,
    *,
    data: Data = None,
    test: Data = None,
    random_data: bool = False,
    state: Words = (),
    stream: bool = False,
    frontend: str | Path | None = None,
    hop: int | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    budget: Size | None = None,
    ram: Size | None = None,
    max_ms: float | None = None,
    speedup: str | float | None = None,
    max_instructions: int | None = None,
    max_macs: int | None = None,
    max_neurons: int | None = None,
    keep_ratio: float | None = None,
    target: str = "cortex-m4",
    dtype: DtypeChoice = "auto",
    bits: str | int = "2-8",
    criterion: str = "obs",
    schedule: Schedule = "iterative",
    min_accuracy: float | None = None,
    max_drop: str | float | None = None,
    classes: Labels | None = None,
    labels: Words | Path = (),
    zeta: float = 0.4,
    emit: Words = ("c", "tflite", "onnx"),
    packages: Words = (),
    author: str = "",
    url: str = "",
    optimize: Optimize = "auto",
    finetune: int = 0,
    augment: bool = False,
    device: str = "cpu",
    jobs: int = 1,
    seed: int = 0,
    out: str | Path = "build",
    force: bool = False,
    log: str | Path | None = None,
    progress: Progress | None = None,
) -> Built:
    """Prune a model until it fits, compile it, and prove that all artifacts agree.

    Args:
        model: a file (see :func:`edgeprune.load`), a ``torch.nn.Module``, an exported program, or
            None for the model that comes with the package.
        example_input: for a module: one input tensor, batch in front, or a tuple of them; None:
            the first sample of ``data``.
        data: samples that rank, calibrate and choose: a file or folder, an array x
            (n, *input shape), a pair (x, y) with integer labels y (n,) or numbers
            (n, *output shape), a Dataset or DataLoader of such, or for a model of several inputs a
            dictionary with an array for each, by name or as x0, x1, ...
        test: samples that are only reported on; without it a part of ``data`` is kept apart.
        random_data: where there are no ``data``, noise ranks and calibrates; to try things out.
        state: pairs "input:output" by their names: the model keeps this output from call to call,
            as that input; what it is run on is one sequence then, in order.
        stream: of a network over a window of frames, the rows of its input, build one that takes
            the new frames of each call, and is run on a sequence of these.
        frontend: for a network of int8 on features of sound: a file of TFLite Micro's signal
            operators that makes them. What is built takes samples, ``hop`` new ones for each frame.
        hop: samples from one frame of ``frontend`` to the next.
        mean: the model was trained on (x - mean) / std, the samples are raw x: a number, or one a
            channel.
        std: likewise.
        budget: bytes of flash (targets android and onnx: of the file), a number or "64KB".
        ram: bytes of RAM, likewise.
        max_ms: modelled milliseconds per inference at the clock of the board.
        speedup: for phones, how many times as fast as the whole network, as it is measured.
        max_instructions: instructions per inference.
        max_macs: multiply-accumulates per inference.
        max_neurons: neurons (channels) that stay, outputs not counted.
        keep_ratio: the share of them that stays, 0 to 1.
        target: name of a target, or path of a profile.
        dtype: element type; "auto": what is more accurate on validation data within the budget.
        bits: fewest and most that dtype "mixed" and "auto" give to weights to meet a budget:
            "2-8", or 4 for both.
        criterion: how neurons rank.
        schedule: how they go.
        min_accuracy: lowest accuracy on validation data, 0 to 1.
        max_drop: largest loss of accuracy on validation data: 0.005 or "0.5pt".
        classes: labels whose sub-network is built; None: all.
        labels: names of the classes, or a text file with one a line.
        zeta: for ``classes`` without a limit: the share of the largest mean activity that counts.
        emit: artifacts to write: "c", "tflite", "onnx", "ort", "tflm".
        packages: ecosystems that get project files.
        author: who publishes these packages.
        url: where they are found.
        optimize: what kernels and C compiler optimise for; "auto": size where bytes are limited;
            "ram": as "speed", and layers run row by row where that takes less memory.
        finetune: epochs of training after pruning.
        augment: whether images are shifted and mirrored in that training.
        device: where it runs.
        jobs: parallel workers.
        seed: of every random choice.
        out: the folder to write.
        force: replace it whatever it holds.
        log: the record of builds that this one is added to, see :func:`edgeprune.log`.
        progress: told how far the long steps are; None: bars in a notebook, elsewhere nothing.

    Returns:
        The folder and the report.

    Raises:
        EdgePruneError: the input is wrong.
        CannotFitError: the budget cannot be met; the text says what the floor is.
    """
    given = locals()
    with options_of(given) as options:
        return run_build(options, told(progress))


def fit(
    model: Model = None,
    example_input: Any = None,
    *,
    data: Data = None,
    test: Data = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    targets: Words = (),
    dtype: DtypeChoice = "auto",
    bits: str | int = "2-8",
    criterion: str = "obs",
    schedule: Schedule = "iterative",
    min_accuracy: float | None = None,
    max_drop: str | float | None = None,
    seed: int = 0,
    out: str | Path = "fit",
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Which boards a model fits: as it is, after pruning and how well, or never, and why.

    Args are those of :func:`build`; ``targets`` are names or profiles, none: every board.

    Returns:
        The content of fit.json.

    Raises:
        EdgePruneError: the input is wrong, or a target is no board.
    """
    given = locals()
    with options_of(given) as options:
        found = fit_model(options, parse_names(targets, "--target"), told(progress))
        return Result(found, options.out / "fit.html")
