"""Builds the emitted C on this machine and runs it over many inputs."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.ir import Array
from edgeprune.scratch import workspace
from edgeprune.toolchain.cmodel import C_TYPES, CModel, read_model
from edgeprune.toolchain.compiler import Compiler, compile_all, run_tool

WARNINGS = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
DRIVER = """
int ep_batch(void *arena, size_t arena_bytes, long n, const {in_type} *input, {out_type} *output);
int ep_batch(void *arena, size_t arena_bytes, long n, const {in_type} *input, {out_type} *output)
{{
    for (long i = 0; i < n; i++) {{
        const int status = ep_row(arena, arena_bytes, input + i * {in_len}, output + i * {out_len});
        if (status != 0) {{
            return status;
        }}
    }}
    return 0;
}}
"""


def find_compiler() -> str | None:
    """The host's C compiler, or None."""
    return next((c for c in ("gcc", "cc", "clang") if shutil.which(c)), None)


class HostModel:
    """The emitted C, compiled for this machine. Use as a context manager.

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
            self._library = self._build(c_dir, Path(self._temp.name), optimize)
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
        """Unload the library and remove what was built."""
        self._ffi.dlclose(self._library)
        self._temp.cleanup()

    def _build(self, c_dir: Path, temp: Path, optimize: str) -> Any:
        from cffi import FFI

        compiler = find_compiler()
        if compiler is None:
            raise EdgePruneError(
                "host", "no C compiler is installed", "install gcc (Debian: apt-get install gcc)"
            )
        m = self.model
        in_type, out_type = C_TYPES[m.input_dtype], C_TYPES[m.output_dtype]
        driver = temp / "driver.c"
        batch = DRIVER.format(
            in_type=in_type,
            out_type=out_type,
            in_len=math.prod(m.input_shape),
            out_len=math.prod(m.output_shape),
        )
        driver.write_text(m.rows_function("ep_row") + batch)
        library = temp / "model.so"
        tool = Compiler(Path(compiler), "")
        flags = (*WARNINGS, optimize, "-ffp-contract=off", "-fPIC")
        sources = [*(c_dir / s for s in m.sources if s.endswith(".c")), driver]
        try:
            objects = compile_all(tool, sources, flags, [c_dir])
            run_tool([compiler, "-shared", *objects, "-lm", "-o", library], m.name)
        except EdgePruneError as error:
            what = f"the generated C does not compile:\n{error.what}"
            raise CannotFitError(str(c_dir), what) from error
        self._ffi = FFI()
        self._ffi.cdef(f"int ep_batch(void *, size_t, long, const {in_type} *, {out_type} *);")
        return self._ffi.dlopen(str(library))

    def run(self, x: Array) -> Array:
        """Run many inputs.

        Args:
            x: (n, *input shape) in the model's own element type; for several inputs rows.

        Returns:
            (n, *output shape); of several outputs rows.

        Raises:
            CannotFitError: the model answered with an error, or wrote outside its arena.
        """
        m = self.model
        x = np.ascontiguousarray(x, np.dtype(m.input_dtype))
        assert x.shape[1:] == m.input_shape, (x.shape, m.input_shape)
        y = np.empty((len(x), *m.output_shape), np.dtype(m.output_dtype))
        guard = 256
        arena = np.full(m.arena_bytes + 2 * guard, 0xA5, np.uint8)
        ffi = self._ffi
        status = self._library.ep_batch(
            ffi.cast("void *", arena.ctypes.data + guard),
            m.arena_bytes,
            len(x),
            ffi.cast(f"{C_TYPES[m.input_dtype]} *", x.ctypes.data),
            ffi.cast(f"{C_TYPES[m.output_dtype]} *", y.ctypes.data),
        )
        if status:
            raise CannotFitError(str(m.folder), f"the model returned the status {status}")
        if not ((arena[:guard] == 0xA5).all() and (arena[-guard:] == 0xA5).all()):
            raise CannotFitError(str(m.folder), "the model wrote outside its arena")
        return y
