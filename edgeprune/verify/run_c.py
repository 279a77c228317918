"""Builds the emitted C on this machine and runs it over many inputs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.ir import Array
from edgeprune.scratch import workspace
from edgeprune.toolchain.cmodel import CModel, read_model
from edgeprune.toolchain.compiler import Compiler, compile_all, run_tool
from edgeprune.toolchain.process import limited
from edgeprune.toolchain.watch import HungError, watched

WARNINGS = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {{ GUARD = 256, ALIGN = 64, MARK = 0xA5, STATUS = 3, OUTSIDE = 4, SYSTEM = 5 }};

static {in_type} input[{in_bytes}u / sizeof({in_type})];
static {out_type} output[{out_bytes}u / sizeof({out_type})];

int main(void)
{{
    const size_t bytes = {arena}u;
    unsigned char *whole = malloc(bytes + 2 * GUARD + ALIGN);
    if (whole == NULL || setvbuf(stdout, NULL, _IONBF, 0) != 0) {{
        return SYSTEM;
    }}
    unsigned char *arena = whole + GUARD + (ALIGN - (size_t)(whole + GUARD) % ALIGN) % ALIGN;
    memset(arena - GUARD, MARK, bytes + 2 * GUARD);
    while (fread(input, sizeof input, 1, stdin) == 1) {{
        const int status = ep_row(arena, bytes, input, output);
        if (status != 0) {{
            fprintf(stderr, "%d", status);
            return STATUS;
        }}
        if (fwrite(output, sizeof output, 1, stdout) != 1) {{
            return SYSTEM;
        }}
    }}
    for (size_t i = 0; i < GUARD; i++) {{
        if (arena[bytes + i] != MARK || (arena - GUARD)[i] != MARK) {{
            return OUTSIDE;
        }}
    }}
    free(whole);
    return 0;
}}
"""
STATUS, OUTSIDE, SYSTEM = 3, 4, 5
ROOM = "make room where temporary files go, or name another folder in TMPDIR"
PATIENCE_S = 120.0  # for one inference, on a busy machine


def find_compiler() -> str | None:
    """The path of the host's C compiler, or None."""
    return next(filter(None, map(shutil.which, ("gcc", "cc", "clang"))), None)


class HostModel:
    """The emitted C, compiled for this machine. Use as a context manager.

    It runs in a process of its own, under limits: what lies in a folder may be of somebody else's.

    Args:
        c_dir: a folder of generated C with its manifest.
        optimize: the compiler's level; "-O1" builds faster.

    Raises:
        EdgePruneError: no C compiler, or the folder's manifest is wrong.
        CannotFitError: the generated C does not compile.
    """

    def __init__(self, c_dir: Path, *, optimize: str = "-O2") -> None:
        self.model: CModel = read_model(c_dir)
        self._temp = tempfile.TemporaryDirectory(dir=workspace(), prefix="host-")
        try:
            self._program = self._build(c_dir, Path(self._temp.name), optimize)
        except BaseException:
            self._temp.cleanup()
            raise

    def __enter__(self) -> HostModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was built."""
        self._temp.cleanup()

    def _build(self, c_dir: Path, temp: Path, optimize: str) -> Path:
        compiler = find_compiler()
        if compiler is None:
            raise EdgePruneError(
                "host", "no C compiler is installed", "install gcc (Debian: apt-get install gcc)"
            )
        m = self.model
        driver, program = temp / "driver.c", temp / "model"
        main = DRIVER.format(
            in_type=m.inputs.c_type,
            out_type=m.outputs.c_type,
            in_bytes=m.inputs.nbytes,
            out_bytes=m.outputs.nbytes,
            arena=m.arena_bytes,
        )
        driver.write_text(m.rows_function("ep_row") + main)
        tool = Compiler(Path(compiler), "")
        flags = (*WARNINGS, optimize, "-ffp-contract=off")
        own = f"{m.name}.c"
        runtime = [c_dir / s for s in m.sources if s.endswith(".c") and s != own]
        try:
            objects = compile_all(tool, [c_dir / own, driver], flags, [c_dir])
            objects += compile_all(tool, runtime, flags, [c_dir], keep=True)
            run_tool([compiler, *objects, "-lm", "-o", program], m.name, makes=program)
        except EdgePruneError as error:
            what = f"the generated C does not compile:\n{error.what}"
            raise CannotFitError(str(c_dir), what) from error
        return program

    def run(self, x: Array) -> Array:
        """Run many inputs.

        Args:
            x: (n, *input shape) in the model's own element type; for several inputs rows
                (:mod:`edgeprune.ir.rows`).

        Returns:
            (n, *output shape); of several outputs rows.

        Raises:
            CannotFitError: the model answered with an error, hung, crashed, or wrote outside its
                arena.
            EdgePruneError: there is no room for its answers.
        """
        m = self.model
        assert x.shape[1:] == m.inputs.shape, (x.shape, m.inputs.shape)
        folder = Path(self._temp.name)
        given, made = folder / "input.bin", folder / "output.bin"
        given.write_bytes(m.inputs.pack(x))
        status, said = self._run(given, made)
        if status == STATUS:
            raise CannotFitError(str(m.folder), f"the model returned the status {said}")
        if status == OUTSIDE:
            raise CannotFitError(str(m.folder), "the model wrote outside its arena")
        if status == SYSTEM:
            raise EdgePruneError(
                str(made), "cannot be written: the disk is full, or there is no memory", ROOM
            )
        if status or made.stat().st_size != len(x) * m.outputs.nbytes:
            raise CannotFitError(str(m.folder), f"the model ended with status {status}: {said}")
        return m.outputs.unpack(made.read_bytes())

    def _run(self, given: Path, made: Path) -> tuple[int, str]:
        """Exit status, negative where a signal ended it, and what it said."""
        said = given.with_name("stderr.txt")
        with given.open("rb") as source, made.open("wb") as to, said.open("wb") as errors:
            process = subprocess.Popen(
                limited([self._program]),
                stdin=source,
                stdout=to,
                stderr=errors,
                start_new_session=True,
            )
            try:
                with watched(process, made, patience_s=PATIENCE_S):
                    process.wait()
            except HungError:
                what = f"the model hangs: no answer for {PATIENCE_S:g} s"
                raise CannotFitError(str(self.model.folder), what) from None
        with said.open(errors="replace") as errors_text:
            return process.returncode, errors_text.read(200)
