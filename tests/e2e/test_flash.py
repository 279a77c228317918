"""``edgeprune flash`` with stand-ins for the programs that write, and ``run --on serial:``."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeprune.pipeline import manifest
from edgeprune.toolchain import flasher
from edgeprune.toolchain.flasher import FLASHERS
from tests.e2e.conftest import invoke, report_of
from tests.emit.packages import small_mlp
from tests.toolchain.boards import of, plugged_in

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")

Install = Callable[..., Path]


@pytest.fixture(autouse=True)
def forget() -> None:
    flasher.flasher_version.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put stand-ins on the PATH, which then holds no other flasher; gives what they were called."""
    place, log = tmp_path / "bin", tmp_path / "log"
    place.mkdir()
    for program in ("arm-none-eabi-gcc", "arm-none-eabi-objcopy", "avr-gcc", "avr-objcopy", "sh"):
        if found := shutil.which(program):
            (place / program).symlink_to(found)
    monkeypatch.setenv("PATH", str(place))

    def put(*names: str, then: str = "exit 0") -> Path:
        for name in names:
            version = '*version|-\\?) echo "stand-in 1.2.3"; exit 0;;'
            body = f'case "$1" in {version} esac\necho "{name} $*" >> {log}\n{then}\n'
            (place / name).write_text(f"#!/bin/sh\n{body}")
            (place / name).chmod(0o755)
        return log

    return put


def built(folder: Path, target: str) -> Path:
    """A small network, compiled for a board."""
    model = small_mlp(folder / "net.onnx")
    command = f"--data {model.with_suffix('.npz')} --dtype int8 --target {target} --emit c"
    done = invoke("build", model, *command.split(), "-o", folder / "out")
    assert done.status == 0, done.err
    return folder / "out"


@pytest.fixture(scope="module")
def for_nucleo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("nucleo"), "nucleo-f446re")


@pytest.fixture(scope="module")
def for_pico(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("pico"), "rp2040-pico")


@pytest.mark.parametrize("tool", ["pyocd", "openocd", "st-flash"])
def test_the_tool_gets_the_firmware_and_exits_well(
    for_nucleo: Path, install: Install, tool: str
) -> None:
    log = install(tool)
    done = invoke("flash", for_nucleo, "--board", "nucleo-f446re", "--yes", "--json")
    assert done.status == 0, done.err
    assert done.json["tool"] == tool
    assert done.json["bytes"] > 2000
    assert ".elf" in log.read_text() or ".hex" in log.read_text()
    assert "run" in done.err
    assert "--on serial:" in done.err


def test_firmware_for_a_probe_holds_its_rings_and_says_how_it_is_run(
    for_nucleo: Path, for_pico: Path, install: Install, tmp_path: Path
) -> None:
    elf = tmp_path / "written.elf"
    install("pyocd", "arduino-cli", then=f'[ "$1" != flash ] || /bin/cp "$4" {elf}')
    flash = ("flash", for_nucleo, "--board", "nucleo-f446re", "--yes")
    assert invoke(*flash).status == 0
    assert b"SEGGER RTT" not in elf.read_bytes()
    done = invoke(*flash, "--probe")
    assert done.status == 0, done.err
    assert "--on probe" in done.err
    assert b"SEGGER RTT" in elf.read_bytes()
    port = ("--yes", "--port", "/dev/ttyACM9", "--probe")
    sketch = invoke("flash", for_pico, "--board", "rp2040-pico", *port)
    assert sketch.status == 2
    assert "--probe" in sketch.err


def test_nothing_is_written_before_somebody_said_yes(for_nucleo: Path, install: Install) -> None:
    log = install("pyocd")
    done = invoke("flash", for_nucleo, "--board", "nucleo-f446re")
    assert done.status == 2
    assert "--yes" in done.err
    assert not log.exists()


def test_the_first_tool_that_is_here_is_taken_or_the_one_asked_for(
    for_nucleo: Path, install: Install
) -> None:
    install("openocd", "st-flash")
    flash = ("flash", for_nucleo, "--board", "nucleo-f446re", "--yes", "--json")
    assert invoke(*flash).json["tool"] == "openocd"
    assert invoke(*flash, "--tool", "st-flash").json["tool"] == "st-flash"
    wrong = invoke(*flash, "--tool", "avrdude")
    assert wrong.status == 2
    assert "pyocd, openocd, st-flash" in wrong.err


def test_no_tool_and_a_tool_that_fails_are_one_message(for_nucleo: Path, install: Install) -> None:
    flash = ("flash", for_nucleo, "--board", "nucleo-f446re", "--yes")
    none = invoke(*flash)
    assert none.status == 2
    assert "apt-get install openocd" in none.err
    flasher.flasher_version.cache_clear()
    install("openocd", then="echo no probe found; exit 3")
    failed = invoke(*flash)
    assert failed.status == 1
    assert "no probe found" in failed.err


@pytest.mark.parametrize(
    ("board", "message"),
    [
        ("arduino-uno", "has a avr"),
        ("cortex-m4", "is a core, not a board"),
        ("nrf52840-dk", "built for nucleo-f446re"),
        ("nope", "--board: there is no target 'nope'"),
    ],
)
def test_a_board_that_the_folder_is_not_for_is_refused(
    for_nucleo: Path, install: Install, board: str, message: str
) -> None:
    install(*FLASHERS)
    done = invoke("flash", for_nucleo, "--board", board, "--yes")
    assert done.status == 2
    assert message in done.err


def test_a_profile_runs_no_program_that_is_no_flasher(
    for_nucleo: Path, install: Install, tmp_path: Path
) -> None:
    install(*FLASHERS)
    mine = tmp_path / "nucleo-f446re.toml"
    mine.write_text(
        'core = "cortex-m4"\nflash_bytes = 65536\nram_bytes = 65536\n'
        '[flash]\ntools = ["rm -rf {folder}"]\n'
    )
    done = invoke("flash", for_nucleo, "--board", mine, "--yes")
    assert done.status == 2
    assert "'rm', which is none of" in done.err


def test_a_path_with_spaces_is_one_word_to_openocd_as_to_the_others(
    for_nucleo: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaced = tmp_path / "a b"
    spaced.mkdir()
    monkeypatch.setattr("edgeprune.pipeline.flash.workspace", lambda: spaced)
    log = install("openocd", "st-flash")
    flash = ("flash", for_nucleo, "--board", "nucleo-f446re", "--yes")
    for tool, around in (("openocd", r"program \{(.*\.elf)\} verify"), ("st-flash", r"write (.*)")):
        log.unlink(missing_ok=True)
        assert invoke(*flash, "--tool", tool).status == 0
        named = re.search(around, log.read_text())
        assert named is not None, log.read_text()
        assert named[1].startswith(f"{spaced}/")


def test_a_board_of_ones_own_is_named_as_it_was_given(
    for_nucleo: Path, install: Install, tmp_path: Path
) -> None:
    install("pyocd")
    mine = tmp_path / "my_board.toml"
    mine.write_text('core = "cortex-m7"\nflash_bytes = 65536\nram_bytes = 65536\n')
    done = invoke("flash", for_nucleo, "--board", mine, "--yes")
    assert done.status == 2
    assert f"--target {mine}" in "".join(done.err.split("\n"))


@pytest.mark.parametrize(
    ("core", "more", "said"),
    [
        ("serial:", (), "--on: 'serial:' names no board"),
        ("", (), "--on: '' names no board"),
        ("probe:", (), "--on: 'probe:' names no board"),
        ("nope", (), "--on: there is no target 'nope'"),
        ("serial:/dev/nothing", ("--profile",), "--profile: layers"),
    ],
)
def test_where_it_cannot_run_is_told_before_anything_is_compiled(
    for_nucleo: Path, install: Install, core: str, more: tuple[str, ...], said: str
) -> None:
    done = invoke("run", for_nucleo, "--on", core, *more)
    assert done.status == 2
    assert said in done.err


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize(
    ("name", "on"),
    [("nucleo-f446re", "nucleo-f446re"), ("host", "cortex-m4"), ("../mine.toml", "cortex-m4")],
)
def test_without_a_core_it_runs_on_what_it_was_built_for(
    for_nucleo: Path, tmp_path: Path, name: str, on: str
) -> None:
    folder = shutil.copytree(for_nucleo, tmp_path / "out")
    report = json.loads((folder / "report.json").read_text())
    report["target"]["name"] = name
    (folder / "report.json").write_text(json.dumps(report))
    done = invoke("run", folder, "--count", "2", "--json")
    assert done.status == 0, done.err
    assert done.json["target"] == on


def test_a_board_with_an_arduino_core_gets_a_sketch_that_arduino_cli_builds(
    for_pico: Path, install: Install, tmp_path: Path
) -> None:
    flash = ("flash", for_pico, "--board", "rp2040-pico", "--yes", "--json")
    copied = tmp_path / "sketch"
    log = install("arduino-cli", then=f'[ "$1" = upload ] || /bin/cp -r "$6" {copied}')
    assert "--port" in invoke(*flash).err, "arduino-cli uploads through a port"
    done = invoke(*flash, "--port", "/dev/ttyACM9")
    assert done.status == 0, done.err
    assert "compile --fqbn arduino:mbed_rp2040:pico" in log.read_text()
    assert "/dev/ttyACM9" in done.json["command"]
    held = {p.name for p in copied.iterdir()}
    assert {"selftest.ino", "serial.c", "harness.c", "ep_settings.h"} <= held
    assert "net.c" in held


def test_what_a_board_measures_is_in_the_report(for_nucleo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(for_nucleo, folder)
    before = report_of(folder)["run"]
    with plugged_in(of(folder / "c", "nucleo-f446re")) as board:
        done = invoke("run", folder, "--on", f"serial:{board.device}", "--count", "5", "--json")
        assert done.status == 0, done.err
        layers = invoke("run", folder, "--on", f"serial:{board.device}", "--profile")
    assert layers.status == 2
    assert done.json["target_vs_host_mismatches"] == 0
    assert "same as on this machine" in done.err
    page = (folder / "report.html").read_text()
    assert f"measured on serial:{board.device}" in page
    assert "modelled to" not in page
    run = report_of(folder)["run"]
    assert run["measured_on"] == f"serial:{board.device}"
    assert run["stack_bytes"] == done.json["stack_bytes"] > 0
    assert run["cycles"] == done.json["cycles"] > 0
    assert run["clock_hz"] == 16_000_000
    assert run["modelled"]["cycles"] == before["cycles"]
    assert invoke("verify", folder).status == 0
    assert manifest.strangers(folder) == [], "the report is still one of ours"


@pytest.mark.parametrize("is_modelled", [False, True], ids=["measured", "modelled"])
@pytest.mark.parametrize("lacks", [(), ("cycles",), ("ms",), ("cycles", "clock_hz")])
def test_a_time_is_shown_as_what_it_is_whatever_of_it_is_known(
    for_nucleo: Path, tmp_path: Path, lacks: tuple[str, ...], is_modelled: bool
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(for_nucleo, folder)
    report = report_of(folder)
    run = report["run"]
    run |= {"cycles": 15_000, "cycles_error": 0.07, "ms": 0.125, "clock_hz": 120_000_000}
    run |= {"flash_stalls": 0.5, "stack_bytes": 4321}
    if not is_modelled:
        run |= {"measured_on": "serial:/dev/ttyUSB7", "cycles_error": None}
    run |= dict.fromkeys(lacks)
    (folder / "report.json").write_text(json.dumps(report))
    done = invoke("report", folder)
    if is_modelled and "clock_hz" in lacks:
        assert done.status == 2, "a model's milliseconds are cycles by a clock"
        return
    assert done.status == 0, done.err
    page = (folder / "report.html").read_text()
    for text in (page, " ".join(done.err.split())):
        assert ("measured on serial:/dev/ttyUSB7" in text) != is_modelled
        assert ("modelled to 7 %" in text) == is_modelled
        assert ("wait for flash" in text) == is_modelled
        assert ("15,000" in text) == ("cycles" not in lacks)
        assert ("0.125 ms" in text) == ("ms" not in lacks)
        assert is_modelled or "stack 4,321 bytes" in text
