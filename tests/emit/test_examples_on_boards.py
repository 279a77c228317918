"""The example of every package as whole firmware: it runs to its end on machines that QEMU knows.

Arduino's sketch runs in QEMU's Uno and Mega in ``test_avr.py``.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgeprune.resources import firmware_dir
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import require_compiler
from tests.e2e.conftest import invoke
from tests.emit.packages import WARNINGS, run, small_cnn

pytestmark = pytest.mark.slow

MAINS = {
    "make": "test/selftest_main.c",
    "cmake": "test/selftest_main.c",
    "single": "test/selftest_main.c",
    "platformio": "examples/selftest/src/main.c",
    "espidf": "examples/selftest/main/main.c",
    "zephyr": "samples/selftest/src/main.c",
}
LIBRARIES = {
    "arm-none-eabi-": ["--specs=rdimon.specs", "-Wl,--defsym=end=ep_bss_end"],
    "riscv64-unknown-elf-": ["--oslib=semihost"],
}
"""C libraries that print through the emulator."""

START = """#include <stdio.h>
#include <stdlib.h>
void initialise_monitor_handles(void);
int main(void);
void app_main(void);
void ep_main(void);
void _init(void);
void _fini(void);
void _init(void)
{
}
void _fini(void)
{
}
void ep_main(void)
{
    %s
    exit(0);
}
"""
KERNEL = "#include <stdio.h>\n#define printk(...) printf(__VA_ARGS__)\n"
ARM = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
RISCV = pytest.mark.needs("riscv64-unknown-elf-gcc", "qemu-system-riscv32")
ROWS = [
    *(pytest.param("cortex-m3", kind, marks=ARM) for kind in MAINS),
    *(pytest.param("mps3-corstone-300", kind, marks=ARM) for kind in ("single", "zephyr")),
    *(pytest.param("rv32imc", kind, marks=RISCV) for kind in ("make", "espidf")),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of packages by target, made when they are first asked for."""
    folder = tmp_path_factory.mktemp("boards")

    class Built(dict[str, Path]):
        def __missing__(self, target: str) -> Path:
            model = small_cnn(folder / "net.onnx")
            command = f"--data {model.with_suffix('.npz')} --dtype int8 --target {target}"
            out = folder / target
            kinds = ",".join(MAINS)
            done = invoke("build", model, *command.split(), "--package", kinds, "-o", out)
            assert done.status == 0, done.err
            self[target] = out / "packages"
            return self[target]

    return Built()


@pytest.mark.parametrize(("target_name", "kind"), ROWS)
def test_the_example_runs_to_its_end(
    built: dict[str, Path], target_name: str, kind: str, tmp_path: Path
) -> None:
    package = built[target_name] / kind / "net"
    elf = firmware(package, kind, target_name, tmp_path)
    assert "net: self-test passed" in printed(elf, target_name)


def printed(elf: Path, target_name: str) -> str:
    """What firmware prints in the emulator, where it runs to its end."""
    emulator = load_target(target_name).emulator
    assert emulator is not None
    command = [emulator.program, "-M", emulator.machine, *emulator.arguments]
    command += "-display none -monitor none -serial none".split()
    command += ["-semihosting-config", "enable=on,target=native", "-kernel", str(elf)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def firmware(package: Path, kind: str, target_name: str, folder: Path) -> Path:
    """The example with start-up code and a C library that prints through the emulator."""
    target = load_target(target_name)
    toolchain, emulator = target.toolchain, target.emulator
    assert toolchain is not None
    assert emulator is not None
    (folder / "zephyr").mkdir()
    (folder / "zephyr" / "kernel.h").write_text(KERNEL)
    monitor = "initialise_monitor_handles();" if toolchain.prefix.startswith("arm") else ""
    call = "app_main();" if kind == "espidf" else "if (main() != 0) {\n        exit(1);\n    }"
    (folder / "start.c").write_text(START % f"{monitor}\n    {call}")
    includes = [package / d for d in ("include", "src", ".") if (package / d).is_dir()]
    places = package / "src" if (package / "src").is_dir() else package
    sources = [p for p in sorted(places.iterdir()) if p.suffix in (".c", ".S")]
    main = package / MAINS[kind]
    if not main.is_file():
        (main,) = package.rglob("*main.c")
    sources = [p for p in sources if p != main]
    compiler = require_compiler(target).path
    flags = [*toolchain.flags, *WARNINGS.split(), "-O2", "-std=gnu99", "-ffunction-sections"]
    flags += ["-DNET_SELFTEST"] if kind == "single" else []
    flags += [f"-I{p}" for p in (*includes, folder, firmware_dir())]
    start = [firmware_dir() / name for name in toolchain.startup]
    link = [f for f in toolchain.link_flags if not f.startswith("--specs")]
    link += LIBRARIES[toolchain.prefix]
    memory = ("vectors_origin", "flash_origin", "flash_bytes", "ram_origin", "ram_bytes")
    link += [f"-Wl,--defsym=EP_{key.upper()}={getattr(emulator, key)}" for key in memory]
    elf = folder / "firmware.elf"
    files = [*sources, main, folder / "start.c", *start]
    script = ["-T", firmware_dir() / toolchain.linker_script]
    run([compiler, *flags, *link, *script, *files, "-lm", "-o", elf], folder)
    return elf
