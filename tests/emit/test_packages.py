"""Packages are used as their READMEs say: built, installed, found, linked, run."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from edgeprune.emit.packages import PACKAGES
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import COMMON_FLAGS, OPTIMIZE_FLAGS
from tests.e2e.conftest import invoke
from tests.emit.packages import (
    TARGET,
    WARNINGS,
    added_flash,
    averaged_cnn,
    run,
    small_cnn,
    small_mlp,
)

CROSS = pytest.mark.needs("arm-none-eabi-gcc")
NAME = "net"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small convolutional network for a core with assembly, with every package."""
    folder = tmp_path_factory.mktemp("packages")
    model = small_cnn(folder / f"{NAME}.onnx")
    command = f"--data {model.with_suffix('.npz')} --target {TARGET} --dtype int8 --package all"
    done = invoke("build", model, *command.split(), "-o", folder / "out")
    assert done.status == 0, done.err
    return folder / "out"


@pytest.fixture(scope="module")
def record(built: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((built / "report.json").read_text())
    return found


@pytest.fixture
def package(built: Path, tmp_path: Path) -> Any:
    """A copy of one package, alone in a fresh folder."""

    def copy(kind: str) -> Path:
        to = tmp_path / kind
        shutil.copytree(built / "packages" / kind, to)
        return to / NAME

    return copy


def cross(core: str = TARGET) -> list[str]:
    target = load_target(core)
    assert target.toolchain is not None
    return list(target.toolchain.flags)


@pytest.mark.parametrize("kind", PACKAGES)
def test_every_package_has_its_numbers_its_command_and_a_licence(
    built: Path, record: dict[str, Any], kind: str
) -> None:
    folder = built / "packages" / kind / NAME
    readme = (folder / "README.md").read_text()
    for figure in ("flash_bytes", "ram_bytes", "arena_bytes"):
        assert f"{record['size'][figure]:,}" in readme, figure
    assert f"{100 * record['accuracy']['c']:.2f} %" in readme
    assert record["command"].replace("`", "'") in readme
    assert record["model"]["sha256"] in readme
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert "What was checked" in readme


@pytest.mark.parametrize("kind", PACKAGES)
def test_packages_hold_no_date_and_no_path_of_this_machine(built: Path, kind: str) -> None:
    for file in (built / "packages" / kind).rglob("*"):
        if file.is_file() and file.name != "LICENSE":
            content = file.read_bytes()
            assert str(built.parent).encode() not in content, file
            assert not re.search(rb"20[2-9]\d-[01]\d-[0-3]\d", content), file


def test_what_is_no_package_is_named(tmp_path: Path) -> None:
    done = invoke("build", "--package", "arduino,cobol", "-o", tmp_path / "out")
    assert done.status == 2
    assert "--package" in done.err
    assert "platformio" in done.err


def test_make_builds_here_and_runs_the_selftest(package: Any) -> None:
    folder = package("make")
    out = run(["make", "check", f"ARCH={WARNINGS}"], folder)
    assert "passed, 4 samples" in out


@CROSS
def test_make_builds_again_for_another_compiler(package: Any) -> None:
    folder = package("make")
    for command in ("make", f"make CROSS=arm-none-eabi- ARCH='{' '.join(cross())}'", "make"):
        run(["sh", "-c", command], folder)
        kind = run(["readelf", "-h", folder / "build" / f"{NAME}.c.o"], folder)
        assert ("ARM" in kind) == ("arm" in command)
    # tests run under make, too, and a make within one says where it is
    assert run(["make", "--no-print-directory"], folder) == "", "nothing is built twice"


@pytest.mark.parametrize("kind", ["make", "cmake", "single", "platformio", "espidf", "zephyr"])
def test_the_code_in_the_readme_compiles(package: Any, kind: str) -> None:
    folder = package(kind)
    (code,) = re.findall(r"^```c\n(.*?)^```", (folder / "README.md").read_text(), re.M | re.S)
    (folder / "mine.c").write_text(code)
    include = folder / "include" if (folder / "include").is_dir() else folder
    run(f"gcc -std=c99 {WARNINGS} -Wpedantic -I{include} -c mine.c".split(), folder)


@pytest.mark.parametrize("kind", PACKAGES)
def test_no_two_sources_make_the_same_object(built: Path, kind: str) -> None:
    for folder in (built / "c", built / "packages" / kind):
        for place in {p.parent for p in folder.rglob("*.[cS]")}:
            stems = [p.stem for p in place.glob("*.[cS]")]
            assert len(stems) == len(set(stems)), place


@CROSS
@pytest.mark.parametrize("kind", ["arduino", "platformio", "espidf", "zephyr", "cmsis"])
def test_the_sources_of_every_package_add_what_the_report_says(
    package: Any, record: dict[str, Any], kind: str
) -> None:
    folder = package(kind)
    include = folder / ("include" if (folder / "include").is_dir() else "src")
    flags = [*cross(), *COMMON_FLAGS, OPTIMIZE_FLAGS[record["target"]["optimize"]]]
    sources = sorted((folder / "src").glob("*.[cS]"))
    run(["arm-none-eabi-gcc", *flags, f"-I{include}", "-c", *sources], folder)
    run(["arm-none-eabi-ar", "rcs", "net.a", *sorted(folder.glob("*.o"))], folder)
    flash = added_flash(NAME, [folder / "net.a"], record["target"]["optimize"])
    assert flash == record["size"]["flash_bytes"]


def test_the_selftest_fails_when_a_weight_changes(package: Any) -> None:
    folder = package("make")
    source = folder / "src" / f"{NAME}.c"
    text = source.read_text()
    first = re.search(r"_weights\[\d+\] = \{\n\s+(-?\d+),", text)
    assert first is not None
    start, end = first.span(1)
    source.write_text(text[:start] + ("100" if int(first[1]) < 50 else "-100") + text[end:])
    with pytest.raises(AssertionError, match="FAILED"):
        run(["make", "check"], folder)


@CROSS
def test_the_library_that_make_builds_adds_what_the_report_says(
    package: Any, record: dict[str, Any]
) -> None:
    folder = package("make")
    arch = " ".join(cross())
    run(["make", "CROSS=arm-none-eabi-", f"ARCH={arch} {WARNINGS}"], folder)
    library = folder / "build" / f"lib{NAME}.a"
    flash = added_flash(NAME, [library], record["target"]["optimize"])
    assert flash == record["size"]["flash_bytes"]


@pytest.mark.needs("cmake")
def test_cmake_builds_tests_installs_and_is_found_by_a_second_project(
    package: Any, tmp_path: Path
) -> None:
    folder = package("cmake")
    run(["cmake", "-B", "build", f"-DCMAKE_C_FLAGS={WARNINGS}"], folder)
    run(["cmake", "--build", "build"], folder)
    assert "100% tests passed" in run(["ctest", "--test-dir", "build"], folder)
    prefix = tmp_path / "prefix"
    run(["cmake", "--install", "build", "--prefix", prefix], folder)
    shutil.rmtree(folder)
    use_from_a_second_project(
        tmp_path / "app", f"find_package({NAME} 1.0 REQUIRED)", f"-DCMAKE_PREFIX_PATH={prefix}"
    )


@pytest.mark.needs("cmake")
@pytest.mark.parametrize(
    "how",
    [
        "add_subdirectory({folder} net)",
        """include(FetchContent)
        FetchContent_Declare(net URL {folder})
        FetchContent_MakeAvailable(net)""",
    ],
    ids=["add_subdirectory", "FetchContent"],
)
def test_cmake_takes_the_package_into_a_second_project(
    package: Any, tmp_path: Path, how: str
) -> None:
    use_from_a_second_project(tmp_path / "app", how.format(folder=package("cmake")))


def use_from_a_second_project(app: Path, how: str, *options: str) -> None:
    app.mkdir()
    (app / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(app C CXX)\n"
        f"{how}\nadd_executable(app main.cpp)\ntarget_link_libraries(app PRIVATE net::net)\n"
    )
    (app / "main.cpp").write_text(
        '#include "net.h"\n#include "net_selftest.h"\n'
        "alignas(4) static uint8_t arena[NET_ARENA_BYTES];\n"
        "int main() { return net_selftest(arena, sizeof arena); }\n"
    )
    run(["cmake", "-B", "build", *options], app)
    run(["cmake", "--build", "build"], app)
    run([app / "build" / "app"], app)


@CROSS
@pytest.mark.needs("cmake")
def test_the_library_that_cmake_cross_compiles_adds_what_the_report_says(
    package: Any, record: dict[str, Any]
) -> None:
    folder = package("cmake")
    options = [
        "-DCMAKE_SYSTEM_NAME=Generic",
        "-DCMAKE_C_COMPILER=arm-none-eabi-gcc",
        "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        f"-DCMAKE_C_FLAGS={' '.join(cross())}",
        f"-DCMAKE_ASM_FLAGS={' '.join(cross())}",
    ]
    run(["cmake", "-B", "build", *options], folder)
    run(["cmake", "--build", "build"], folder)
    library = folder / "build" / f"lib{NAME}.a"
    flash = added_flash(NAME, [library], record["target"]["optimize"])
    assert flash == record["size"]["flash_bytes"]


def single_sources(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if re.match(r"(?!selftest).*\.[cS]$", p.name))


@pytest.mark.parametrize(
    "compiler", ["gcc", pytest.param("clang", marks=pytest.mark.needs("clang"))]
)
def test_the_single_file_runs_its_selftest_here(package: Any, compiler: str) -> None:
    folder = package("single")
    flags = f"-std=c99 -O2 -Wpedantic -Wconversion -Wshadow {WARNINGS} -DNET_SELFTEST".split()
    files = [s for s in single_sources(folder) if s.endswith(".c")]
    run([compiler, *flags, "selftest_main.c", *files, "-lm", "-o", "test"], folder)
    assert "passed" in run([folder / "test"], folder)


@CROSS
@pytest.mark.parametrize("core", ["cortex-m0plus", TARGET, "cortex-m4", "cortex-m55"])
def test_the_single_file_compiles_for_cores_without_a_warning(package: Any, core: str) -> None:
    folder = package("single")
    command = ["arm-none-eabi-gcc", *cross(core), "-O2", *WARNINGS.split(), "-DNET_SELFTEST"]
    run([*command, "-c", *single_sources(folder)], folder)


@pytest.mark.needs("riscv64-unknown-elf-gcc")
def test_the_single_file_for_little_flash_compiles_for_riscv_without_a_warning(
    tmp_path: Path,
) -> None:
    model = small_cnn(tmp_path / f"{NAME}.onnx")
    command = f"--data {model.with_suffix('.npz')} --target rv32imc --dtype int8 --optimize size"
    done = invoke("build", model, *command.split(), "--package=single", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    folder = tmp_path / "out" / "packages" / "single" / NAME
    sources = single_sources(folder)
    assert len(sources) == 2, "C and assembly"
    flags = [*cross("rv32imc"), *WARNINGS.split(), "-Wa,--fatal-warnings", "-DNET_SELFTEST"]
    for optimize in PACKAGE_FLAGS.values():
        run(["riscv64-unknown-elf-gcc", *flags, *optimize.split(), "-c", *sources], folder)


@CROSS
def test_the_single_file_adds_what_the_report_says_but_for_a_little_inlining(
    package: Any, record: dict[str, Any]
) -> None:
    folder = package("single")
    flags = PACKAGE_FLAGS[record["target"]["optimize"]]
    sources = single_sources(folder)
    assert len(sources) == 2, "C and assembly"
    run(["arm-none-eabi-gcc", *cross(), *flags.split(), "-c", *sources], folder)
    objects = sorted(folder.glob("*.o"))
    flash = added_flash(NAME, objects, record["target"]["optimize"])
    assert abs(flash - record["size"]["flash_bytes"]) <= 64


PACKAGE_FLAGS = {
    o: f"-std=gnu99 -ffunction-sections -fdata-sections -fno-unwind-tables {flag}"
    for o, flag in (("speed", "-O2"), ("size", "-Os"))
}


@CROSS
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_kernels_of_one_instruction_set_are_in_the_library_and_in_the_single_file(
    tmp_path: Path, core: str
) -> None:
    model = averaged_cnn(tmp_path / f"{NAME}.onnx")
    command = f"--data {model.with_suffix('.npz')} --target {core} --dtype int8 --optimize ram"
    done = invoke("build", model, *command.split(), "--package=make,single", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    packages = tmp_path / "out" / "packages"
    folder = packages / "make" / NAME
    assert list(folder.rglob("ep_add_rows_s8-*.c")), "C that takes the place of portable C"
    run(["make", "CROSS=arm-none-eabi-", f"ARCH={' '.join(cross(core))} {WARNINGS}"], folder)
    library = folder / "build" / f"lib{NAME}.a"
    flash = added_flash(NAME, [library], record["target"]["optimize"], core)
    assert flash == record["size"]["flash_bytes"]
    folder = packages / "single" / NAME
    flags = f"{PACKAGE_FLAGS[record['target']['optimize']]} {WARNINGS}".split()
    sources = single_sources(folder)
    run(["arm-none-eabi-gcc", *cross(core), *flags, "-c", *sources], folder)
    flash = added_flash(NAME, sorted(folder.glob("*.o")), record["target"]["optimize"], core)
    assert abs(flash - record["size"]["flash_bytes"]) <= 64
    host = [*flags, "-DNET_SELFTEST", "selftest_main.c", *sources, "-lm", "-o", "test"]
    run(["gcc", *host], folder)
    assert "passed" in run([folder / "test"], folder)


def test_two_single_files_do_not_clash(built: Path, tmp_path: Path) -> None:
    model = small_mlp(tmp_path / "other.onnx")
    command = f"--data {model.with_suffix('.npz')} --target {TARGET} --dtype int8 --package single"
    done = invoke("build", model, *command.split(), "-o", tmp_path / "out")
    assert done.status == 0, done.err
    folders = [built / "packages/single/net", tmp_path / "out/packages/single/other"]
    (tmp_path / "main.c").write_text(
        '#include "net.h"\n#include "other.h"\n'
        "static union { uint32_t a; uint8_t b[NET_ARENA_BYTES + OTHER_ARENA_BYTES]; } m;\n"
        "int main(void) { return net_selftest(m.b, sizeof m) + other_selftest(m.b, sizeof m); }\n"
    )
    command = f"gcc -std=c99 {WARNINGS} -DNET_SELFTEST -DOTHER_SELFTEST main.c -o both"
    sources = [f / f"{f.name}.c" for f in folders]
    run([*command.split(), *(f"-I{f}" for f in folders), *sources, "-lm"], tmp_path)
    run([tmp_path / "both"], tmp_path)


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
