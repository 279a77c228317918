"""Packages are used as their READMEs say: built, installed, found, linked, run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgeprune.emit.packages import PACKAGES
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import COMMON_FLAGS, OPTIMIZE_FLAGS
from tests.e2e.conftest import invoke
from tests.emit.packages import (
    NAME,
    TARGET,
    WARNINGS,
    added_flash,
    averaged_cnn,
    run,
    small_cnn,
    small_mlp,
)

CROSS = pytest.mark.needs("arm-none-eabi-gcc")


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
