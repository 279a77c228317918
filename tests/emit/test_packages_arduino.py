"""Packages for Arduino and PlatformIO, as far as they can be tried here."""

from __future__ import annotations

import json
import os
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from edgeprune.target import load_target
from tests.e2e.conftest import invoke
from tests.emit.packages import (
    NAME,
    WARNINGS,
    run,
    small_mlp,
)


def test_the_arduino_library_has_the_layout_of_the_specification(package: Any) -> None:
    folder = package("arduino")
    rows = (folder / "library.properties").read_text().splitlines()
    fields = dict(row.split("=", 1) for row in rows)
    needed = "name version author maintainer sentence paragraph category architectures"
    assert set(needed.split()) <= set(fields)
    assert fields["name"] == folder.name
    assert re.fullmatch(r"\d+\.\d+\.\d+", fields["version"])
    assert (folder / "src" / fields["includes"]).is_file()
    sketch = folder / "examples" / "SelfTest" / "SelfTest.ino"
    assert sketch.is_file(), "a sketch has the name of its folder"
    for row in (folder / "keywords.txt").read_text().splitlines():
        assert re.fullmatch(r"\w+\t(KEYWORD[123]|LITERAL1)", row), row
    assert not list(folder.glob("*.c")), "only src is compiled"


ARDUINO = {
    "host": ("*", "<your board>"),
    "arduino-uno": ("avr", "arduino:avr:uno"),
    "arduino-nano-33-ble": ("mbed_nano", "arduino:mbed_nano:nano33ble"),
    "cortex-m4": ("mbed_nano,renesas_uno,stm32", "arduino:mbed_nano:nano33ble"),
    "rv32imc": ("esp32", "esp32:esp32:esp32c3"),
}


@pytest.mark.parametrize("target", ARDUINO)
def test_an_arduino_library_is_for_boards_with_the_core_that_was_built_for(
    tmp_path: Path, target: str
) -> None:
    model = small_mlp(tmp_path / "net.onnx")
    given = ("--data", model.with_suffix(".npz"), "--dtype", "int8", "--target", target)
    whose = ("--author", "Ada <ada@a.org>", "--url", "https://a.org/net")
    done = invoke("build", model, *given, *whose, "--package=arduino,cmsis", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    folder = tmp_path / "out" / "packages"
    rows = (folder / "arduino" / "net" / "library.properties").read_text().splitlines()
    fields = dict(row.split("=", 1) for row in rows)
    architectures, board = ARDUINO[target]
    assert fields["architectures"] == architectures
    assert fields["author"] == fields["maintainer"] == "Ada <ada@a.org>"
    assert fields["url"] == "https://a.org/net"
    readme = (folder / "arduino" / "net" / "README.md").read_text()
    assert f"--fqbn {board} " in readme
    avr = load_target(target).progmem
    assert ("--target arduino-uno" in " ".join(done.err.split())) is not avr
    assert ("--target arduino-uno" in readme) is not avr
    assert "<url>https://a.org/net</url>" in next(folder.rglob("*.pdsc")).read_text()


def test_packages_name_no_author_or_address_that_nobody_gave(package: Any) -> None:
    text = (package("arduino") / "library.properties").read_text()
    assert "author=unnamed\n" in text
    assert "url=" not in text
    assert "<url></url>" in next(package("cmsis").glob("*.pdsc")).read_text()


def test_the_platformio_example_runs_here(package: Any) -> None:
    folder = package("platformio")
    manifest = json.loads((folder / "library.json").read_text())
    assert manifest["name"] == NAME
    assert (folder / "include" / manifest["headers"]).is_file()
    sources = sorted((folder / "src").glob("*.c"))
    main = folder / "examples/selftest/src/main.c"
    command = f"gcc -std=gnu99 {WARNINGS} -I{folder / 'include'} -o test"
    run([*command.split(), main, *sources, "-lm"], folder)
    assert "passed" in run([folder / "test"], folder)


PACK = """
import sys
from platformio.package.manifest.schema import ManifestSchema
from platformio.package.pack import PackagePacker
# what else it would fetch
licences = {"licenses": [{"licenseId": "Apache-2.0"}]}
ManifestSchema.load_spdx_licenses = staticmethod(lambda: licences)
print(PackagePacker(sys.argv[1]).pack(sys.argv[2]))
"""


@pytest.mark.needs("platformio")
def test_platformio_accepts_the_manifest_and_packs_the_library(
    package: Any, tmp_path: Path
) -> None:
    folder = package("platformio")
    environment = {**os.environ, "PLATFORMIO_CORE_DIR": str(tmp_path / "core")}
    run([sys.executable, "-c", PACK, folder, tmp_path], folder, environment)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = packed.getnames()
    assert {"library.json", f"include/{NAME}.h", f"src/{NAME}.c"} <= set(names)


@pytest.mark.needs("platformio", "scons")
def test_platformio_builds_the_example_and_runs_it(package: Any, tmp_path: Path) -> None:
    folder = package("platformio")
    core = platformio_core(tmp_path / "core")
    pio = [sys.executable, "-m", "platformio", "run", "-d", "examples/selftest", "-t", "exec", "-v"]
    out = run(pio, folder, {**os.environ, "PLATFORMIO_CORE_DIR": str(core)})
    assert f"{NAME}: self-test passed" in out
    assert "warning" not in out


def platformio_core(core: Path) -> Path:
    """What PlatformIO would fetch to build for this machine: SCons, and the platform "native"."""
    from platformio.dependencies import get_core_dependencies

    version = get_core_dependencies()["tool-scons"].lstrip("~")
    write_package(core / "packages" / "tool-scons", "tool", "package.json", version)
    (core / "packages" / "tool-scons" / "scons.py").write_text(
        "import SCons.Script\nSCons.Script.main()\n"
    )
    native = core / "platforms" / "native"
    write_package(native, "platform", "platform.json", "1.2.1")
    (native / "platform.py").write_text(
        "from platformio.platform.base import PlatformBase\n"
        "class NativePlatform(PlatformBase):\n    pass\n"
    )
    (native / "builder").mkdir()
    (native / "builder" / "main.py").write_text(
        "from SCons.Script import AlwaysBuild, Default, DefaultEnvironment\n"
        "env = DefaultEnvironment(CCFLAGS=['-Wall', '-Wextra'])\n"
        "program = env.BuildProgram()\n"
        "AlwaysBuild(env.Alias('exec', program, '$SOURCE && echo ran'))\n"
        "Default(program)\n"
    )
    return core


def write_package(folder: Path, kind: str, manifest: str, version: str) -> None:
    folder.mkdir(parents=True)
    about = {
        "name": folder.name,
        "title": folder.name,
        "version": version,
        "description": folder.name,
    }
    spec = {"owner": "platformio", "id": 1, "name": folder.name, "requirements": None, "uri": None}
    (folder / manifest).write_text(json.dumps({**about, "packages": {}}))
    marker = {"type": kind, "name": folder.name, "version": version, "spec": spec}
    (folder / ".piopm").write_text(json.dumps(marker))
