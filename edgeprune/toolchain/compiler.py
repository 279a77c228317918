"""Finds compilers and makes object files, each once in a process; :mod:`objects` keeps some."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

from edgeprune.errors import EdgePruneError
from edgeprune.scratch import workspace
from edgeprune.target import Target
from edgeprune.toolchain import objects
from edgeprune.toolchain.process import run_limited

Optimize = Literal["speed", "size"]
OPTIMIZE_FLAGS: dict[Optimize, str] = {"speed": "-O2", "size": "-Os"}

# What lets the linker drop what a model does not use, and the compiler use single-precision code.
COMMON_FLAGS = (
    "-std=gnu99",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-common",
    "-fno-math-errno",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
)
_INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
_COMPUTED = re.compile(rb"^\s*#\s*include\s+[A-Za-z_]", re.MULTILINE)  # no name is written there
_HEADERS = Path(__file__).with_name("ep_headers.c")
_Read = Callable[[Path], bytes | None]
"""What is in a file; None where there is none."""
COMPILE_SECONDS = 300
_VERSION_SECONDS = 30
DOCTOR = "`edgeprune doctor` says which compiler is found"


@dataclass(frozen=True)
class Compiler:
    """A C compiler on this machine."""

    path: Path
    version: str  # "12.2.1"

    @property
    def title(self) -> str:
        """What reports say: "arm-none-eabi-gcc 12.2.1"."""
        return f"{self.path.name} {self.version}"

    def tool(self, name: str) -> Path:
        """A binutils program of the same toolchain, such as ``nm``."""
        stem = self.path.name
        prefix = stem[: -len("gcc")] if stem.endswith("gcc") else ""
        return self.path.with_name(prefix + name)


def find_compiler(target: Target) -> Compiler | None:
    """The compiler for a target, or None where it is not installed or the target needs none."""
    if target.toolchain is None:
        return None
    return _find(target.toolchain.prefix + "gcc")


@cache
def _find(name: str) -> Compiler | None:
    path = shutil.which(name)
    if path is None:
        return None
    try:
        _, text = run_limited([path, "--version"], name, seconds=_VERSION_SECONDS)
    except EdgePruneError:
        return None
    # "arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205"
    version = re.search(r"\) (\d+\.\d+\.\d+)", text)
    return Compiler(Path(path), version.group(1)) if version else None


def require_compiler(target: Target) -> Compiler:
    """The compiler for a target.

    Raises:
        EdgePruneError: it is not installed.
    """
    compiler = find_compiler(target)
    if compiler is None:
        prefix = target.toolchain.prefix if target.toolchain else ""
        hint = "`edgeprune doctor` says which package has it"
        raise EdgePruneError(f"target {target.name}", f"{prefix}gcc is not installed", hint)
    return compiler


def compile_all(
    compiler: Compiler,
    sources: Sequence[Path],
    flags: Sequence[str],
    include: Sequence[Path],
    *,
    keep: bool = False,
) -> list[Path]:
    """Compile sources to object files, in their order.

    Args:
        compiler: for all of them.
        sources: C, and assembly.
        flags: for the compiler.
        include: folders of headers.
        keep: whether the user's later commands have the objects too, of those sources that come
            with the package: not where flags have what was made of a user's network.

    Raises:
        EdgePruneError: a source does not compile; the text has the compiler's first lines.
    """
    may_keep = keep and objects.folder() is not None and objects.is_closed(flags)
    identity = _identity(compiler, tuple(flags)) if may_keep else None
    with ThreadPoolExecutor(max_workers=4) as pool:
        read = cache(_content)  # headers once for all sources: opening files is what takes long
        one = partial(
            _compile,
            compiler,
            flags=tuple(flags),
            include=tuple(include),
            read=read,
            identity=identity,
        )
        return list(pool.map(one, sources))


def _compile(
    compiler: Compiler,
    source: Path,
    flags: tuple[str, ...],
    include: tuple[Path, ...],
    read: _Read,
    identity: str | None,
) -> Path:
    key = hashlib.sha256(repr((str(compiler.path), compiler.version, flags)).encode())
    files = _with_includes(source, include, read)
    for file in files:
        content = read(file) or b""
        key.update(f"{file.name}\0{len(content)}\0".encode() + content)
    made = workspace() / f"{source.stem}-{key.hexdigest()[:20]}.o"
    if made.is_file():
        return made
    unfinished = Path(tempfile.mkdtemp(dir=workspace())) / made.name
    kept = hashlib.sha256(key.digest() + identity.encode()).hexdigest() if identity else None
    if kept is None or not _keep(compiler, files, flags, read, kept, unfinished):
        includes = [f"-I{folder}" for folder in include]
        run_tool(
            [compiler.path, *flags, *includes, "-c", source, "-o", unfinished],
            source.name,
            makes=unfinished,
        )
    unfinished.rename(made)  # whole or not at all, also when two threads make the same one
    unfinished.parent.rmdir()
    return made


def _keep(
    compiler: Compiler,
    files: Sequence[Path],
    flags: Sequence[str],
    read: _Read,
    key: str,
    to: Path,
) -> bool:
    """Write the object that is kept, or make it of these files alone and keep it.

    The compiler sees no other file of their folders, which may be somebody else's: a key stands for
    all that was read.

    Returns:
        Whether it is there. It is not where a file is not the package's own, or the source needs
        more than it says by name.
    """
    contents = {file.name: read(file) or b"" for file in files}
    if len(contents) < len(files) or any(map(_COMPUTED.search, contents.values())):
        return False
    if not all(map(objects.is_own, contents.values())):
        return False
    if objects.fetch(key, to):
        return True
    with tempfile.TemporaryDirectory(dir=workspace()) as name:
        folder = Path(name)
        for file, content in contents.items():
            (folder / file).write_bytes(content)
        source = folder / files[0].name
        includes = f"-I{folder}"
        try:
            run_tool(
                [compiler.path, *flags, includes, "-c", source, "-o", to], source.name, makes=to
            )
        except EdgePruneError:
            return False  # told by what compiles it where it is
    objects.store(key, to)
    return True


@cache
def _identity(compiler: Compiler, flags: tuple[str, ...]) -> str | None:
    """What changes where the compiler, its assembler or the system's headers do; None: unknown.

    With the flags, as they say which folders have the headers and which of the compiler's specs
    are read. What those add is in the commands that it would run.
    """
    try:
        parts = [os.stat(tool) for tool in (compiler.path, compiler.tool("as"))]
        headers = ["-E", "-P", "-dD", _HEADERS]
        commands = ["-###", "-S", "-o", os.devnull, "-xc", os.devnull]
        asks = (headers, commands)
        texts = [run_tool([compiler.path, *flags, *ask], _HEADERS.name) for ask in asks]
    except (OSError, EdgePruneError):
        return None
    stamps = [(part.st_size, part.st_mtime_ns) for part in parts]
    return hashlib.sha256(repr((stamps, texts)).encode()).hexdigest()


def _content(path: Path) -> bytes | None:
    """What is in a file; None where there is none, or one that never ends, such as a device."""
    return path.read_bytes() if path.is_file() else None


def _with_includes(source: Path, include: Sequence[Path], read: _Read) -> list[Path]:
    """The source and, in a fixed order, every file of the given folders that it includes."""
    files = [source]
    for file in files:  # grows while it is walked
        for match in _INCLUDE.finditer(read(file) or b""):
            name = match.group(1).decode("utf-8", "replace")
            found = (folder / name for folder in (file.parent, *include))
            header = next((path for path in found if read(path) is not None), None)
            if header is not None and header not in files:
                files.append(header)
    return files


def run_tool(command: Sequence[str | Path], where: str, *, makes: Path | None = None) -> str:
    """Run a program of the toolchain and return what it prints.

    Args:
        command: the program and its arguments.
        where: what it is run for, in messages.
        makes: the file that it is to write.

    Raises:
        EdgePruneError: it failed, took too long, or did not write the file.
    """
    name = Path(command[0]).name
    status, text = run_limited(command, where, seconds=COMPILE_SECONDS)
    if status != 0:
        lines = text.strip().splitlines()
        raise EdgePruneError(where, f"{name} failed:\n" + "\n".join(lines[:20]))
    if makes is not None and not (makes.is_file() and makes.stat().st_size):
        raise EdgePruneError(where, f"{name} ended well, but wrote nothing", DOCTOR)
    return text
