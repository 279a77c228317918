"""What a folder of somebody else's, a compiler or an emulator cannot do."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.target import listed_target, load_target
from edgeprune.toolchain import compiler, emulator, process
from edgeprune.verify import agreement, run_c
from tests.e2e.conftest import Command

MODEL_H = """
#include <stddef.h>
#include <stdint.h>
int m_run(void *arena, size_t arena_bytes, const int8_t *input, int8_t *output);
"""
MODEL_C = """
#include "m.h"
{before}
int m_run(void *arena, size_t arena_bytes, const int8_t *input, int8_t *output)
{{
    (void)arena;
    (void)arena_bytes;
    output[0] = input[0];
    {body}
    return 0;
}}
"""


def folder_of(place: Path, body: str = "", before: str = "") -> Path:
    """A folder of generated C, of somebody who may want harm."""
    place.mkdir()
    (place / "m.h").write_text(MODEL_H)
    (place / "m.c").write_text(MODEL_C.format(body=body, before=before))
    manifest = {
        "name": "m", "prefix": "M", "sources": ["m.c"], "input_dtype": "int8",
        "output_dtype": "int8", "input_shape": [1], "output_shape": [1], "arena_bytes": 64,
    }  # fmt: skip
    (place / "manifest.json").write_text(json.dumps(manifest))
    return place


X = np.arange(5, dtype=np.int8)[:, None]
EVIL = {
    "hangs": ("for (;;) {}", "the model hangs"),
    "crashes": ("__builtin_trap();", "the model ended with status"),
    "ends": ("__builtin_exit(0);", "the model ended with status 0"),
    "returns an error": ("return 7;", "returned the status 7"),
    "writes below its arena": ("((char *)arena)[-1] = 0;", "outside its arena"),
    "writes above its arena": ("((char *)arena)[arena_bytes] = 0;", "outside its arena"),
    "takes all memory": (
        "for (;;) { char *p = __builtin_malloc(1 << 24); if (!p) { __builtin_trap(); } p[0] = 1; }",
        "the model ended with status",
    ),
}


def test_what_behaves_runs(tmp_path: Path) -> None:
    with run_c.HostModel(folder_of(tmp_path / "c"), optimize="-O0") as model:
        assert (model.run(X) == X).all()


@pytest.mark.parametrize("kind", agreement.FILES)
def test_an_artifact_that_never_ends_is_one_message(tmp_path: Path, kind: str) -> None:
    (tmp_path / agreement.FILES[kind][0]).symlink_to("/dev/zero")
    with pytest.raises(EdgePruneError, match="a device, a pipe or a socket, not a file"):
        agreement.answers_of(tmp_path, X)


@pytest.mark.parametrize("what", EVIL)
def test_c_that_misbehaves_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    body, said = EVIL[what]
    if what == "hangs":
        monkeypatch.setattr(run_c, "PATIENCE_S", 1.0)
    with (
        run_c.HostModel(folder_of(tmp_path / "c", body), optimize="-O0") as model,
        pytest.raises(CannotFitError, match=said),
    ):
        model.run(X)


def test_a_constructor_that_never_returns_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_c, "PATIENCE_S", 1.0)
    before = "__attribute__((constructor)) static void f(void) { for (;;) {} }"
    with (
        run_c.HostModel(folder_of(tmp_path / "c", before=before), optimize="-O0") as model,
        pytest.raises(CannotFitError, match="hangs"),
    ):
        model.run(X)


def test_c_that_includes_what_never_ends_does_not_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MEMORY_BYTES", 1 << 29)
    c = folder_of(tmp_path / "c", before='#include "/dev/zero"')
    with pytest.raises(CannotFitError, match="does not compile"):
        run_c.HostModel(c)


def script(place: Path, name: str, text: str) -> None:
    (place / name).write_text(f"#!/bin/sh\n{text}\n")
    (place / name).chmod(0o755)


VERSION = 'case "$1" in --version) echo "x (y) 1.2.3"; exit 0;; esac'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exit 0", "wrote nothing"),
        ("sleep 1000", "took longer"),
        ("echo no; exit 1", "failed"),
        ("for w; do o=$w; done; echo garbage > $o", "wrote no map"),
    ],
)
def test_a_compiler_that_fails_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    script(tmp_path, "arm-none-eabi-gcc", f"{VERSION}\n{text}")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    if "sleep" in text:
        monkeypatch.setattr(compiler, "COMPILE_SECONDS", 1)
    compiler._find.cache_clear()
    try:
        from edgeprune.toolchain.size import measure

        with pytest.raises(EdgePruneError, match=said):
            measure(folder_of(tmp_path / "c"), load_target("cortex-m4"))
    finally:
        compiler._find.cache_clear()


@pytest.mark.needs("arm-none-eabi-gcc")
@pytest.mark.parametrize("text", ["exit 1", "sleep 1000", "kill -11 $$"])
def test_an_emulator_that_fails_is_noted_like_one_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    script(tmp_path, "qemu-system-arm", f"{VERSION.replace('x (y)', 'version')}\n{text}")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    if "sleep" in text:
        monkeypatch.setattr(agreement.run_target, "PATIENCE_S", 1.0)
    emulator.emulator_version.cache_clear()
    notes: list[str] = []
    try:
        c = folder_of(tmp_path / "c")
        assert agreement.on_target(c, load_target("cortex-m4"), X, "speed", notes=notes) is None
    finally:
        emulator.emulator_version.cache_clear()
    assert notes
    assert notes[0].startswith("not run on the emulated core")


@pytest.mark.parametrize("name", ["./mine.toml", "mine.toml", "../cortex-m4", "_firmware", "", "."])
def test_a_file_names_listed_targets_only(name: str) -> None:
    with pytest.raises(EdgePruneError, match="--target"):
        listed_target(name, "report.json")
    assert listed_target("cortex-m4", "report.json").name == "cortex-m4"


def test_verify_reads_no_profile_that_a_report_names(
    edgeprune: Command, built_64k: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(built_64k, folder)
    report = json.loads((folder / "report.json").read_text())
    (tmp_path / "evil.toml").write_text(
        'kind = "core"\n[toolchain]\nprefix = "./evil-"\n[emulator]\nprogram = "./evil"\n'
    )
    report["target"]["name"] = str(tmp_path / "evil.toml")
    (folder / "report.json").write_text(json.dumps(report))
    done = edgeprune("verify", folder)
    assert done.status == 2
    assert "report.json: target" in done.err
    assert "--target" in done.err


@pytest.mark.parametrize("command", ["verify", "run", "flash"])
def test_help_says_that_what_is_in_the_folder_is_executed(edgeprune: Command, command: str) -> None:
    text = " ".join(edgeprune(command, "--help").out.split())
    assert "whom you trust" in text
