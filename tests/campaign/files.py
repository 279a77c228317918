"""Reads damaged files of every kind: only an EdgePruneError, soon, in bounded memory.

``python -m tests.campaign.files onnx 500 0`` reads 500 damaged ``.onnx`` files, seed 0; ``all``
reads as many of every kind, ``npz,npy`` of those two. A file that is not answered so is kept, and
named.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any
from unittest.mock import patch

from tests.campaign import mutate, seeds

CPU_SECONDS = 5
MEMORY_BYTES = 1 << 30


@dataclass(frozen=True)
class Kind:
    """A kind of file: what it is called, right ones, how they are damaged, and who reads them."""

    name: str
    make: Callable[[], list[bytes]]
    damage: mutate.Mutate
    read: Callable[[Path], object]


def _load(path: Path) -> object:
    from edgeprune.frontends import load

    return load(path)


def _keras(path: Path) -> object:
    """Read a file of Keras; TensorFlow converts layers and weights that it had before only once.

    Most of what damaged files are answered with costs a tenth of that.
    """
    from edgeprune.frontends import from_keras

    with patch.object(from_keras, "_converter", partial(_remembered, from_keras._converter)):
        return _load(path)


_CONVERTED: dict[bytes, bytes] = {}


def _remembered(make: Callable[..., Any], tf: Any, path: Path, model: Any) -> Any:
    """TensorFlow's converter of a model, or what gives the answer that it gave before."""
    parts = [model.to_json().encode(), *(w.tobytes() for w in model.get_weights())]
    key = hashlib.sha256(b"\0".join(parts)).digest()
    if key in _CONVERTED:
        return SimpleNamespace(convert=lambda: _CONVERTED[key])
    real = make(tf, path, model)
    return SimpleNamespace(convert=lambda: _CONVERTED.setdefault(key, real.convert()))


@cache
def _network() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        path.write_bytes(seeds.onnx_seeds()[0])
        return _load(path)


def _samples(path: Path) -> object:
    from edgeprune.frontends.data import load_samples

    return load_samples(path, _network())


def _target(path: Path) -> object:
    from edgeprune.target import load_target

    return load_target(path)


def _journal(path: Path) -> object:
    from edgeprune.pruning.sweep import Point, PointRow, journaled

    found = journaled(lambda _: [], [{"n": 0}], journal=path, kind=list[PointRow])
    return [Point(**p) for rows in found for p in rows]  # type: ignore[attr-defined]


def _report(path: Path) -> object:
    """Whatever shows a report, without what compiles and runs."""
    from rich.console import Console

    from edgeprune.report.compare import compare_reports, show_comparison
    from edgeprune.report.page import page_of
    from edgeprune.report.read import read_report
    from edgeprune.report.terminal import show_report

    report = read_report(path.parent)
    console = Console(file=io.StringIO(), markup=False)
    show_report(report, console, str(path))
    limits = {"flash_bytes": 1, "accuracy": 0.1}
    show_comparison(compare_reports(report, report, limits), console, "a", "b")
    return page_of(report, str(path))


def _manifest(path: Path) -> object:
    from edgeprune.toolchain.cmodel import read_model

    for dtype in ("int8", "float32"):
        for file in (seeds.built(dtype) / "c").iterdir():
            if not (path.parent / file.name).exists():
                (path.parent / file.name).write_bytes(b"")
    return read_model(path.parent)


def _vectors(path: Path) -> object:
    from edgeprune.pipeline.verify import stored_vectors
    from edgeprune.report.read import read_report

    return stored_vectors(path.parent, read_report(seeds.built("int8")))


def _list(path: Path) -> object:
    from edgeprune.pipeline.manifest import strangers

    return strangers(path.parent)


def _labels(path: Path) -> object:
    from edgeprune.pipeline.values import parse_labels

    return parse_labels(str(path))


def _picture(path: Path) -> object:
    from edgeprune.frontends.pictures import read_picture

    return read_picture(path, (8, 6, 3))


def _built(path: Path) -> object:
    """An artifact of a folder from somebody else, run as ``verify`` does."""
    from edgeprune.pipeline.verify import stored_vectors
    from edgeprune.report.read import read_report
    from edgeprune.verify.agreement import agree, answers_of

    folder = seeds.built("int8")
    vectors = stored_vectors(folder, read_report(folder))
    return agree(answers_of(path.parent, vectors["inputs"][:4]), vectors["outputs"][:4])


_NPZ = mutate.sometimes_in_bytes(mutate.in_zip({".npy": mutate.in_npy}))
_ARCHIVE = mutate.sometimes_in_bytes(mutate.in_zip({".json": mutate.in_json}))
_JSON = mutate.sometimes_in_bytes(mutate.in_json, 0.1)
_ONNX = mutate.sometimes_in_bytes(mutate.in_onnx)
_TFLITE = mutate.sometimes_in_bytes(mutate.in_tflite)

KINDS: dict[str, Kind] = {
    "onnx": Kind("m.onnx", seeds.onnx_seeds, _ONNX, _load),
    "tflite": Kind("m.tflite", partial(seeds.built_files, "model.tflite"), _TFLITE, _load),
    "pt2": Kind("m.pt2", seeds.torch_seeds, _ARCHIVE, _load),
    "keras": Kind("m.keras", seeds.keras_seeds, _ARCHIVE, _keras),
    "npz": Kind("d.npz", seeds.npz_seeds, _NPZ, _samples),
    "npy": Kind("d.npy", seeds.npy_seeds, mutate.sometimes_in_bytes(mutate.in_npy), _samples),
    "toml": Kind(
        "t.toml", seeds.toml_seeds, mutate.sometimes_in_bytes(mutate.in_toml, 0.1), _target
    ),
    "journal": Kind("j.jsonl", seeds.journal_seeds, mutate.in_journal, _journal),
    "report": Kind("report.json", partial(seeds.built_files, "report.json"), _JSON, _report),
    "manifest": Kind(
        "manifest.json", partial(seeds.built_files, "c/manifest.json"), _JSON, _manifest
    ),
    "vectors": Kind(
        "vectors.npz", partial(seeds.built_files, "vectors.npz", ("int8",)), _NPZ, _vectors
    ),
    "list": Kind(
        "edgeprune-manifest.sha256",
        partial(seeds.built_files, "edgeprune-manifest.sha256"),
        mutate.in_bytes,
        _list,
    ),
    "labels": Kind("l.txt", lambda: [b"zero\none\ntwo\n" * 9], mutate.in_bytes, _labels),
    "picture": Kind("p.png", seeds.picture_seeds, mutate.in_bytes, _picture),
    "verify-tflite": Kind(
        "model.tflite", partial(seeds.built_files, "model.tflite", ("int8",)), _TFLITE, _built
    ),
    "verify-onnx": Kind(
        "model.onnx", partial(seeds.built_files, "model.onnx", ("int8",)), _ONNX, _built
    ),
}


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise SystemExit(f"a file took more than {CPU_SECONDS} s of processor time")


def resident(name: str) -> int:
    """Bytes of this process in memory: ``VmRSS`` now, ``VmHWM`` at the most so far."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{name}:")[1].split()[0])


@dataclass
class Read:
    """What became of damaged files: how many were taken for right, and the most that one cost."""

    right: int = 0
    slowest_s: float = 0.0
    peak_bytes: int = 0


def read_damaged(kind: Kind, count: int, seed: int, folder: Path) -> Read:
    """Read damaged files, and tell what they cost.

    The file at fault stays in ``folder`` where one is not answered as it must be.
    """
    from edgeprune.errors import EdgePruneError

    path = folder / kind.name
    right = kind.make()
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for data in right:  # everything that is imported on the way is there before the limit
        path.write_bytes(data)
        kind.read(path)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_BYTES, most))
    signal.signal(signal.SIGPROF, _too_slow)
    rng = random.Random(seed)
    done = Read()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts at what is resident now
    before = resident("VmRSS")
    for i in range(count):
        path.write_bytes(kind.damage(rng.choice(right), rng))
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        start = time.process_time()
        try:
            kind.read(path)
            done.right += 1
        except EdgePruneError as e:
            if kind.name not in str(e) and "model." not in kind.name:
                raise AssertionError(f"file {i}: the message does not name the file: {e}") from e
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            done.slowest_s = max(done.slowest_s, time.process_time() - start)
    done.peak_bytes = resident("VmHWM") - before
    return done


def main(names: str, count: int, seed: int) -> None:
    """Read damaged files of some kinds; ends with a traceback at one that is not answered so."""
    warnings.simplefilter("ignore")
    for name in KINDS if names == "all" else names.split(","):
        folder = Path(tempfile.mkdtemp(prefix=f"damaged-{name}-"))
        sys.stderr.write(f"the file at work is in {folder}\n")
        start = time.monotonic()
        done = read_damaged(KINDS[name], count, seed, folder)
        shutil.rmtree(folder)
        sys.stdout.write(
            f"{name}: {count} damaged files, {done.right} still right, slowest"
            f" {done.slowest_s:.2f} s of processor time, peak {done.peak_bytes >> 20} MiB more,"
            f" {time.monotonic() - start:.0f} s\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
