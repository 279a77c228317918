"""Object files of the package's own C are made once for all commands of a user."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from toolchain.tiny import TINY

from edgeprune.errors import EdgePruneError
from edgeprune.toolchain import compiler, objects
from edgeprune.toolchain.compiler import Compiler, compile_all
from edgeprune.verify.run_c import HostModel

pytestmark = pytest.mark.needs("gcc")
SOURCE = '#include "half.h"\nint twice(int x) { return x * HALF * 4; }\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache directory of the user's."""
    base = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(base))
    objects.folder.cache_clear()
    yield base / "edgeprune"
    objects.folder.cache_clear()


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "half.h").write_text("#define HALF 2\n")
    (folder / "twice.c").write_text(SOURCE)
    return folder


@pytest.fixture
def command(tmp_path: Path, code: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bytes]:
    """Compile as a command of its own; its object. ``ran`` has what was compiled."""
    real, ran = compiler.run_tool, []

    def run_tool(given: list[str | Path], where: str, **options: Path | None) -> str:
        if "-c" in given:
            ran.append(where)
        return real(given, where, **options)

    def compiled(*flags: str, keep: bool = True) -> bytes:
        work = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        monkeypatch.setattr(compiler, "workspace", lambda: work)
        gcc = Compiler(Path("/usr/bin/gcc"), "")
        (made,) = compile_all(gcc, [code / "twice.c"], ("-O1", *flags), [code], keep=keep)
        return made.read_bytes()

    monkeypatch.setattr(compiler, "run_tool", run_tool)
    compiled.ran = ran  # type: ignore[attr-defined]
    return compiled


def test_a_second_command_compiles_nothing_and_has_the_same_bytes(command: Callable) -> None:
    alone = command(keep=False)
    assert [command(), command(), command()] == [alone] * 3
    assert command.ran == ["twice.c"] * 2  # without keeping, and the first that keeps


def test_kernels_for_this_machine_are_kept_and_the_network_is_not(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(TINY, tmp_path / "tiny")
    made: list[str] = []
    monkeypatch.setattr(objects, "store", lambda key, to: made.append(to.stem.rpartition("-")[0]))
    monkeypatch.setattr(compiler, "workspace", lambda: tmp_path)
    with HostModel(folder) as model:
        kernels = {Path(s).stem for s in model.model.sources} - {model.model.name}
    assert set(made) == kernels


def test_what_is_made_of_a_network_is_not_kept(command: Callable, home: Path) -> None:
    command(keep=False)
    assert not home.exists()


def test_another_header_or_flag_is_another_object(command: Callable, code: Path) -> None:
    first = command()
    (code / "half.h").write_text("#define HALF 3\n")
    other = command()
    assert other != first
    command("-DX")
    assert command.ran == ["twice.c"] * 3


def test_another_compiler_or_other_system_headers_make_another_object(
    command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    command()
    for identity in ("an upgrade", "one more"):
        monkeypatch.setattr(compiler, "_identity", lambda _, text=identity: text)
        command()
    assert command.ran == ["twice.c"] * 3


def test_a_damaged_object_is_made_again(command: Callable, home: Path) -> None:
    first = command()
    (kept,) = home.iterdir()
    for damaged in (b"", kept.read_bytes()[:-1], kept.read_bytes()[:-1] + b"?"):
        kept.write_bytes(damaged)
        assert command() == first
    assert command() == first
    assert command.ran == ["twice.c"] * 4


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_others_can_enter_is_not_used(
    command: Callable, home: Path, mode: int
) -> None:
    home.mkdir(parents=True)
    home.chmod(mode)
    assert command() == command()
    assert not list(home.iterdir())


def test_a_directory_of_somebody_elses_or_a_link_is_not_used(
    command: Callable, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    home.parent.mkdir()
    home.symlink_to(other)
    command()
    home.unlink()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    objects.folder.cache_clear()
    command()
    assert not list(other.iterdir())
    assert not list(home.iterdir())


def test_without_a_home_all_is_compiled_and_none_is_made(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    objects.folder.cache_clear()
    assert command() == command()
    assert command.ran == ["twice.c"] * 2
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["stdint.h", "features.h"])
def test_a_header_that_only_the_folder_has_cannot_change_what_is_kept(
    command: Callable, code: Path, name: str
) -> None:
    """``-I`` comes before the system's own folders, and its headers include one another."""
    given = SOURCE.replace("* 4", "+ WRONG")
    given = "#include <stdint.h>\n#ifndef WRONG\n#define WRONG 0\n#endif\n" + given
    (code / "twice.c").write_text(given)
    right = command(keep=False)
    (code / name).write_text(f"#include_next <{name}>\n#define WRONG 1\n")
    assert command(keep=False) != right
    assert command() == right


def test_what_names_its_headers_by_macros_is_compiled_where_it_is(
    command: Callable, code: Path, home: Path
) -> None:
    (code / "twice.c").write_text(SOURCE.replace('"half.h"', "NAME"))
    command('-DNAME="half.h"')
    assert not list(home.iterdir())


def test_an_error_is_told_of_the_file_as_it_is(command: Callable, code: Path, home: Path) -> None:
    (code / "twice.c").write_text(SOURCE + "int more(void) { return none; }\n")
    with pytest.raises(EdgePruneError, match=str(code / "twice.c")):
        command()
    assert not list(home.iterdir())


def test_those_not_used_for_longest_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MOST_BYTES", 4000)
    monkeypatch.setattr(objects, "_LOOKS", 1)
    made = home.parent.parent / "made.o"
    made.write_bytes(b"x" * 968)
    for i in range(4):
        objects.store(f"{i}", made)
        os.utime(home / f"{i}", (i, i))
    assert objects.fetch("0", made)
    objects.store("4", made)
    assert sorted(p.name for p in home.iterdir()) == ["0", "4"]
