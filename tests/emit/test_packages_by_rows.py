"""Packages of a network whose input is read by rows, and so has no place in the arena."""

from __future__ import annotations

import subprocess
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from edgeprune.report.terminal import show_report
from tests.e2e.conftest import invoke, report_of
from tests.emit.packages import TARGET, WARNINGS, run, small_cnn
from tests.emit.test_examples_on_boards import firmware, printed

STUB = """
#include <cstddef>
#include <cstdint>
#include <iostream>
#define F(text) text
struct Port {
    void begin(long) {}
    operator bool() const { return true; }
    template <class T> void print(T x) { std::cout << x; }
    template <class T> void println(T x) { std::cout << x << std::endl; }
};
static Port Serial;
inline unsigned long micros() { return 0; }
inline void delay(int) {}
"""
"""What the sketch uses of Arduino."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by_rows")
    model = small_cnn(folder / "net.onnx")
    command = f"--data {model.with_suffix('.npz')} --target {TARGET} --dtype int8 --optimize ram"
    kinds = "--package=make,single,arduino,python,espidf"
    done = invoke("build", model, *command.split(), kinds, "-o", folder / "out")
    assert done.status == 0, done.err
    assert report_of(folder / "out")["memory"]["by_rows"]["fed_by_rows"] == ["x"]
    return folder / "out" / "packages"


def test_what_is_said_of_the_input_is_what_is_offered(packages: Path) -> None:
    report = report_of(packages.parent)
    for feed_bytes, fed in ((100, True), (None, False)):
        report["memory"]["by_rows"]["feed_bytes"] = feed_bytes
        text = StringIO()
        show_report(report, Console(file=text, width=300), "")
        assert "its input lies outside of it" in text.getvalue()
        assert ("or comes row by row" in text.getvalue()) is fed


def test_make_runs_the_selftest(packages: Path) -> None:
    out = run(["make", "check", f"ARCH={WARNINGS}"], packages / "make" / "net")
    assert "passed, 4 samples" in out


def test_the_single_file_runs_its_selftest(packages: Path, tmp_path: Path) -> None:
    folder = packages / "single" / "net"
    command = f"gcc -std=c99 -Wpedantic -Wconversion -Wshadow {WARNINGS} -DNET_SELFTEST"
    sources = [folder / "selftest_main.c", folder / "net.c"]
    run([*command.split(), *sources, "-lm", "-o", "test"], tmp_path)
    assert "passed" in run([tmp_path / "test"], tmp_path)


@pytest.mark.needs("g++")
@pytest.mark.parametrize("example", ["SelfTest", "Camera"])
def test_the_arduino_sketch_runs_where_arduino_is_stood_in_for(
    packages: Path, tmp_path: Path, example: str
) -> None:
    library = packages / "arduino" / "net"
    sketch = (library / "examples" / example / f"{example}.ino").read_text()
    main = "int main() { setup(); loop(); return 0; }\n"
    (tmp_path / "main.cpp").write_text(STUB + sketch + main)
    include = f"-I{library / 'src'}"
    run(["gcc", *WARNINGS.split(), include, "-c", *(library / "src").glob("*.c")], tmp_path)
    objects = sorted(tmp_path.glob("*.o"))
    run(["g++", *WARNINGS.split(), include, "main.cpp", *objects, "-lm", "-o", "test"], tmp_path)
    out = run([tmp_path / "test"], tmp_path)
    assert ("self-test passed" in out) is (example == "SelfTest")
    assert "largest output" in out


def test_the_python_module_builds(packages: Path, tmp_path: Path) -> None:
    folder = packages / "python" / "net"
    c = sorted(p for p in folder.rglob("*.c"))
    include = c[0].parent
    run(["gcc", "-std=c99", *WARNINGS.split(), f"-I{include}", "-c", *c], tmp_path)


def test_what_takes_rows_of_a_camera_runs_where_a_framework_is_stood_in_for(
    packages: Path, tmp_path: Path
) -> None:
    component = packages / "espidf" / "net"
    assert "examples/camera" in (component / "idf_component.yml").read_text()
    (tmp_path / "start.c").write_text(
        "void app_main(void);\nint main(void)\n{\n    app_main();\n}\n"
    )
    main = component / "examples" / "camera" / "main" / "main.c"
    sources = [main, tmp_path / "start.c", *sorted((component / "src").glob("*.c"))]
    flags = ["-std=c99", *WARNINGS.split(), f"-I{component / 'include'}"]
    run(["gcc", *flags, *sources, "-lm", "-o", "test"], tmp_path)
    assert "largest output: " in run([tmp_path / "test"], tmp_path)


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_the_selftest_feeds_rows_on_the_core(packages: Path, tmp_path: Path) -> None:
    elf = firmware(packages / "espidf" / "net", "espidf", TARGET, tmp_path)
    source = (packages / "espidf" / "net" / "src" / "net_selftest.c").read_text()
    assert "net_feed_rows(arena, input" in source
    assert "self-test passed" in printed(elf, TARGET)


def test_a_row_that_is_fed_wrongly_fails_the_selftest(packages: Path, tmp_path: Path) -> None:
    folder = packages / "single" / "net"
    whole = (folder / "net.c").read_text()
    broken = whole.replace("memcpy(held + state[2], rows,", "memcpy(held + state[2], rows + 1,")
    assert broken != whole
    (tmp_path / "net.c").write_text(broken)
    sources = ["net.c", folder / "selftest_main.c", "-lm", "-o", "test"]
    run(["gcc", "-std=c99", "-DNET_SELFTEST", f"-I{folder}", *sources], tmp_path)
    assert subprocess.run([tmp_path / "test"], check=False).returncode == 1


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_run_feeds_rows_on_the_core(packages: Path) -> None:
    done = invoke("run", packages.parent, "--on", TARGET, "--count", "3", "--json")
    assert done.status == 0, done.err
    whole, rows = done.json, done.json["row_by_row"]
    assert rows["target_vs_host_mismatches"] == 0
    assert rows["arena_bytes"] > whole["arena_bytes"]
    assert whole["instructions"] < rows["instructions"] < 1.5 * whole["instructions"]
    assert "comes row by row: the same" in done.err
