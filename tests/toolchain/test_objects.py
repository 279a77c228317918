"""Object files of the package's own C are made once for all commands of a user."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from toolchain.tiny import TINY, on

from edgeprune.emit.to_c import _guarded
from edgeprune.errors import EdgePruneError
from edgeprune.resources import firmware_dir, runtime_dir
from edgeprune.target import load_target
from edgeprune.toolchain import compiler, objects
from edgeprune.toolchain.compiler import COMMON_FLAGS, Compiler, compile_all, require_compiler
from edgeprune.toolchain.size import measure
from edgeprune.verify.run_c import HostModel

pytestmark = pytest.mark.needs("gcc")
SOURCE = '#include "half.h"\nint twice(int x) { return x * HALF * 4; }\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache directory of the user's."""
    base = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(base))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    _forget()
    yield base / "edgeprune"
    _forget()


def _forget() -> None:
    """What a process knows of the machine, as another one would."""
    objects.folder.cache_clear()
    compiler._identity.cache_clear()


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

    def compiled(*flags: str, keep: bool = True, gcc: str = "/usr/bin/gcc") -> bytes:
        work = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        monkeypatch.setattr(compiler, "workspace", lambda: work)
        compiler._identity.cache_clear()
        tool = Compiler(Path(gcc), "")
        (made,) = compile_all(tool, [code / "twice.c"], ("-O1", *flags), [code], keep=keep)
        return made.read_bytes()

    monkeypatch.setattr(objects, "is_own", lambda content: True)
    monkeypatch.setattr(compiler, "run_tool", run_tool)
    compiled.ran = ran  # type: ignore[attr-defined]
    return compiled


def test_a_second_command_compiles_nothing_and_has_the_same_bytes(command: Callable) -> None:
    alone = command(keep=False)
    assert [command(), command(), command()] == [alone] * 3
    assert command.ran == ["twice.c"] * 2  # without keeping, and the first that keeps


def test_kernels_for_this_machine_are_kept_and_what_a_folder_has_of_its_own_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of a kernel's name is kept where it is that kernel."""
    folder, runtime = shutil.copytree(TINY, tmp_path / "tiny"), runtime_dir()
    sources = ["ep_abs_f32.c", "ep_sqrt_f32.c"]
    for name in sources:
        shutil.copy(runtime / "src" / name, folder)
    for name in ("ep_common.h", "ep_function.h", "ep_status.h"):
        shutil.copy(runtime / "include" / name, folder)
    with (folder / "ep_abs_f32.c").open("a") as file:
        file.write("/* mine */\n")
    header, manifest = folder / "tiny.h", folder / "manifest.json"
    header.write_text('#include "ep_status.h"\n' + header.read_text())
    named = "".join(f', "{name}"' for name in sources)
    manifest.write_text(manifest.read_text().replace(', "ep_sum_s8.c"', f', "ep_sum_s8.c"{named}'))
    made: list[str] = []
    monkeypatch.setattr(objects, "store", lambda key, to: made.append(to.stem.rpartition("-")[0]))
    monkeypatch.setattr(compiler, "workspace", lambda: tmp_path)
    with HostModel(folder):
        assert made == ["ep_sqrt_f32"]


@on(["cortex-m4"])
def test_firmware_keeps_nothing_that_was_made_of_a_model(
    core: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "workspace", lambda: tmp_path)
    measure(TINY, load_target(core))
    assert not any(b"tiny" in path.read_bytes() for path in home.iterdir())


def test_files_for_an_instruction_set_are_the_packages_own_in_their_guards_too() -> None:
    root = runtime_dir()
    for path in root.glob("arch/*/*.[chS]"):
        content = path.read_bytes()
        guarded = _guarded(str(path.relative_to(root)), content)
        assert guarded != content
        assert objects.is_own(content)
        assert objects.is_own(guarded)
        assert not objects.is_own(guarded.replace(b"#endif\n", b"int mine;\n#endif\n"))


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
    command: Callable, code: Path, tmp_path: Path
) -> None:
    (code / "twice.c").write_text("#include <string.h>\n" + SOURCE)
    gcc, system = tmp_path / "gcc", tmp_path / "system"
    system.mkdir()
    gcc.write_text(f'#!/bin/sh\nexec /usr/bin/gcc -fno-dce -isystem {system} "$@"\n')
    gcc.chmod(0o755)
    (tmp_path / "as").touch()
    os.utime(gcc, (0, 0))
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: (system / "string.h").write_text("#include_next <string.h>\n#define SAID 4\n"),
        lambda: os.utime(gcc, (1, 1)),
        lambda: os.utime(tmp_path / "as", (1, 1)),
        lambda: gcc.write_text(gcc.read_text().replace("-fno-dce", "-fno-dse")),  # as specs may
    ]
    for made, step in enumerate(steps, 1):
        step()
        if step is steps[-1]:
            os.utime(gcc, (1, 1))
        assert command(gcc=str(gcc)) == command(gcc=str(gcc))
        assert command.ran == ["twice.c"] * made


@on(["cortex-m4", "cortex-m55", "rv32imc", "avr", "aarch64"])
def test_headers_are_looked_for_with_the_flags_of_the_target(core: str) -> None:
    target = load_target(core)
    assert target.toolchain is not None
    gcc, flags = require_compiler(target), (*target.toolchain.flags, *COMMON_FLAGS)
    assert objects.is_closed(flags)
    found = [compiler._identity(gcc, (*flags, level)) for level in ("-O2", "-Os")]
    assert None not in found
    assert found[0] != found[1]


@pytest.mark.needs("avr-gcc")
def test_the_part_of_an_avr_is_known_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    target, real = load_target("arduino-uno"), compiler.run_tool
    assert target.toolchain is not None
    texts: list[str] = []

    def run_tool(given: list[str | Path], where: str) -> str:
        texts.append(real(given, where))
        return texts[-1]

    monkeypatch.setattr(compiler, "run_tool", run_tool)
    compiler._identity(require_compiler(target), target.toolchain.flags)
    assert "#define _AVR_IOM328P_H_" in texts[0]


def test_all_system_headers_of_the_packages_c_are_looked_at() -> None:
    include = re.compile(r"^\s*#\s*include\s*(<[^>]+>)", re.MULTILINE)
    headers = Path(compiler.__file__).with_name("ep_headers.c")
    folders = (runtime_dir(), firmware_dir(), headers.parent)
    files = {p for f in folders for p in f.rglob("*") if p.suffix in (".c", ".h", ".inc", ".S")}
    wanted = {name for p in files - {headers} for name in include.findall(p.read_text())}
    assert set(include.findall(headers.read_text())) == wanted


OPEN = [
    *("-include", "-imacros", "@file", "-fplugin=x.so", "-fprofile-use", "-fprofile-use=x", "-g"),
    *("-I/x", "-isystem", "-B/x", "--sysroot=/x", "-specs=x", "--specs=/x/a.specs", "-nostdinc"),
    *("-Wa,-I/x", "-Wp,-include,x", "-Xassembler", "-march=native", "-mmcu=/x", "x.h", "-D", "-U"),
]


@pytest.mark.parametrize("flag", OPEN)
def test_flags_that_may_bring_in_a_file_are_not_closed(flag: str) -> None:
    assert objects.is_closed(("-O2", "-Wall", "-DX=1"))
    assert not objects.is_closed(("-O2", flag))


def test_a_file_that_a_flag_includes_is_read_anew_each_time(command: Callable, code: Path) -> None:
    more = code.parent / "more.h"
    (code / "twice.c").write_text(SOURCE.replace("4", "MORE"))
    made = set()
    for number in (5, 6):
        more.write_text(f"#define MORE {number}\n")
        made.add(command("-include", str(more)))
    assert len(made) == 2


@pytest.mark.parametrize("name", ["CPATH", "C_INCLUDE_PATH"])
def test_a_folder_of_headers_in_the_environment_is_read_anew_each_time(
    command: Callable, code: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    sdk = code.parent / "sdk"
    sdk.mkdir()
    monkeypatch.setenv(name, str(sdk))
    (code / "twice.c").write_text("#include <more.h>\n" + SOURCE.replace("4", "MORE"))
    made = set()
    for number in (5, 6):
        (sdk / "more.h").write_text(f"#define MORE {number}\n")
        made.add(command())
    assert len(made) == 2


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


def test_a_file_in_place_of_the_directory_switches_it_off(command: Callable, home: Path) -> None:
    home.parent.mkdir()
    home.touch()
    assert command() == command()
    assert command.ran == ["twice.c"] * 2


def test_a_directory_of_somebody_elses_or_a_link_is_not_used(
    command: Callable, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    home.parent.mkdir()
    home.symlink_to(other)
    command()
    home.unlink()
    home.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    objects.folder.cache_clear()
    command()
    assert not list(other.iterdir())
    assert not list(home.iterdir())


@pytest.mark.parametrize("is_there", [True, False])
def test_in_a_home_of_somebody_elses_nothing_is_made(
    command: Callable, home: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    if is_there:
        home.parent.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    command()
    assert home.parent.exists() == is_there
    assert not home.exists()


@pytest.mark.parametrize("given", ["", ".", "here"])
def test_a_home_that_is_no_absolute_path_is_none(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    monkeypatch.setenv("HOME", given)
    objects.folder.cache_clear()
    command()
    assert objects.folder() is None
    assert not list(tmp_path.rglob(".cache"))


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


def test_a_write_that_fails_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir(parents=True, mode=0o700)
    made = home.parent.parent / "made.o"
    made.write_bytes(b"x")
    (home / "0").mkdir()
    objects.store("0", made)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    objects.store("1", made)
    assert [p.name for p in home.iterdir()] == ["0"]


def test_what_killed_commands_left_goes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_LOOKS", 1)
    made = home.parent.parent / "made.o"
    made.write_bytes(b"x")
    objects.store("0", made)
    os.utime(home / "0", (1, 1))
    for name, age in (("new-old", 7200), ("new-now", 0)):
        (home / name).touch()
        os.utime(home / name, (time.time() - age,) * 2)
    objects.store("1", made)
    assert sorted(p.name for p in home.iterdir()) == ["0", "1", "new-now"]


def test_what_is_only_read_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = home.parent.parent / "made.o"
    made.write_bytes(b"x")
    objects.store("0", made)

    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "utime", read_only)
    assert objects.fetch("0", made)
