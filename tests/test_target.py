import subprocess
from pathlib import Path

import pytest

from edgeprune.errors import EdgePruneError
from edgeprune.resources import firmware_dir, runtime_dir, targets_dir
from edgeprune.target import DEFAULT_TARGET, Target, list_targets, load_target

BOARD = """
title = "Mine"
core = "cortex-m4"
flash_bytes = 65536
ram_bytes = 16384
reserved_flash_bytes = 4096
"""
SOFT = "fpu = 'none'\n"
HARD = "[toolchain]\nflags = ['-mthumb', '-mfloat-abi=hard']\n"
UNUSED = "[toolchain]\nsoft_flags = ['-mine']\n"
WITH_FPU = [
    t.name for t in map(load_target, list_targets()) if t.kind == "core" and t.fpu != "none"
]
all_targets = pytest.mark.parametrize("name", list_targets())


@pytest.fixture
def mine(tmp_path: Path):
    def read(text: str) -> Target:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return load_target(path)

    return read


@all_targets
def test_every_profile_is_valid_and_names_files_that_exist(name: str) -> None:
    target = load_target(name)
    assert target.name == name
    if target.toolchain is not None:
        script = [target.toolchain.linker_script] if target.toolchain.linker_script else []
        for file in (*target.toolchain.startup, *target.toolchain.port, *script):
            assert (firmware_dir() / file).is_file()


@pytest.mark.parametrize("name", [n for n in list_targets() if load_target(n).kind == "board"])
def test_every_board_gives_the_source_of_every_figure(name: str) -> None:
    target = load_target(name)
    sources = dict(target.sources)
    for key in ("core", "clock_hz", "flash_bytes", "ram_bytes"):
        assert sources.get(key), f"{name} does not say where {key} is from"
    for key in ("reserved_flash_bytes", "reserved_ram_bytes"):
        assert bool(getattr(target, key)) == (key in sources)


def test_there_are_all_cores_ten_boards_and_the_file_formats() -> None:
    kinds = {name: load_target(name).kind for name in list_targets()}
    assert DEFAULT_TARGET in kinds
    assert sum(kind == "board" for kind in kinds.values()) >= 10
    assert [n for n, kind in kinds.items() if kind == "file"] == ["android", "ios", "onnx"]
    assert load_target("android").basis == load_target("ios").basis == "tflite"
    assert load_target("onnx").basis == "onnx"


def test_a_board_takes_from_its_core_what_it_does_not_say(mine) -> None:
    target, core = mine(BOARD), load_target("cortex-m4")
    assert (target.name, target.kind, target.core) == ("mine", "board", "cortex-m4")
    assert target.toolchain == core.toolchain
    assert target.emulator == core.emulator
    assert target.kernels == core.kernels
    assert target.flash_limit == 65536 - 4096
    assert target.ram_limit == 16384


def test_a_board_may_change_one_key_of_its_core(mine) -> None:
    target, core = mine(BOARD + "[emulator]\nstack_bytes = 512\n"), load_target("cortex-m4")
    assert target.emulator is not None
    assert core.emulator is not None
    assert target.emulator.stack_bytes == 512
    assert target.emulator.machine == core.emulator.machine


@pytest.mark.needs("arm-none-eabi-gcc")
@pytest.mark.parametrize("core", [n for n in WITH_FPU if n.startswith("cortex-m")])
def test_a_core_made_without_its_fpu_is_compiled_for_none(mine, core: str) -> None:
    made = mine(BOARD.replace("cortex-m4", core) + SOFT).toolchain
    command = [f"{made.prefix}gcc", *made.flags, "-dM", "-E", "-xc", "/dev/null"]
    macros = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "__ARM_ARCH " in macros
    assert "__ARM_FP " not in macros, "bits of the sizes of floats that its FPU computes"


@pytest.mark.parametrize("core", [n for n in WITH_FPU if not n.startswith("cortex-m")])
def test_a_core_made_without_its_fpu_is_refused_where_no_flags_are_known(mine, core: str) -> None:
    text = BOARD.replace("cortex-m4", core) + SOFT
    with pytest.raises(EdgePruneError, match=r"fpu: is 'none', and .* is compiled for"):
        mine(text)
    assert mine(text + "[toolchain]\nflags = ['-mine']\n").toolchain.flags == ("-mine",)


def test_flags_of_a_board_without_fpu_may_name_one_that_is_not_used(mine) -> None:
    flags = ["-mfpu=fpv4-sp-d16", "-mfloat-abi=soft"]
    assert mine(f"{BOARD}{SOFT}[toolchain]\nflags = {flags}\n").toolchain.flags == tuple(flags)
    own = f"{BOARD}{SOFT}[toolchain]\nsoft_flags = ['-mine']\n"
    assert mine(own).toolchain.flags == ("-mine",)


WRONG = {
    "is not TOML": "title = ",
    "unknown keys ['ram']": BOARD + "ram = 3\n",
    "[toolchain]: unknown keys ['optimise']": BOARD + "[toolchain]\noptimise = '-O3'\n",
    "[emulator]: machine: must be a string, is 7": BOARD + "[emulator]\nmachine = 7\n",
    "flash_bytes: must be a whole number, is '64KB'": BOARD.replace("65536", "'64KB'"),
    "ram_bytes: must be a whole number, is True": BOARD.replace("16384", "true"),
    "ram_bytes: must be positive, is -1": BOARD.replace("16384", "-1"),
    "reserves 4096 of 4096 bytes": BOARD.replace("65536", "4096"),
    "reserved_flash_bytes: is negative: -1": BOARD.replace("= 4096", "= -1"),
    "there is no core 'cortex-m5'": BOARD.replace("cortex-m4", "cortex-m5"),
    "there is no core '../x'": BOARD.replace("cortex-m4", "../x"),
    "'android' is a file, not a core": BOARD.replace("cortex-m4", "android"),
    "kind: must be one of core, board, host, file, is None": BOARD.replace("core =", "name ="),
    "fpu: must be one of none, single, double, is 'yes'": BOARD + "fpu = 'yes'\n",
    "fpu: is 'double', and cortex-m4 is compiled for 'single': -mcpu=cortex-m4 -mthumb": (
        BOARD + "fpu = 'double'\n"
    ),
    "fpu: is 'none', and the compiler is told of one: -mthumb -mfloat-abi=hard": (
        BOARD + SOFT + HARD
    ),
    "the compiler is told of one: -mfpu=fpv5-d16": (
        BOARD + SOFT + HARD.replace("'-mthumb', '-mfloat-abi=hard'", "'-mfpu=fpv5-d16'")
    ),
    "[toolchain]: soft_flags: does nothing here": BOARD + UNUSED,
    "soft_flags: does nothing": BOARD + SOFT + UNUSED + "flags = ['-mcpu=cortex-m4']\n",
    "kernels: must be a list of strings": BOARD + "kernels = 'arm_dsp'\n",
    "kernels: must end with 'portable'": BOARD + "kernels = ['arm_dsp']\n",
    "[sources]: ram_bytes: must be a string": BOARD + "[sources]\nram_bytes = 1\n",
    "a board needs flash_bytes and ram_bytes": "core = 'cortex-m4'\nflash_bytes = 5\n",
    "needs a [toolchain]": "kind = 'core'\n",
    "[toolchain]: misses the keys ['prefix']": "kind = 'core'\n[toolchain]\nflags = []\n",
    "toolchain: must be a table": BOARD.replace("title", "toolchain"),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_profile_is_refused_with_file_key_and_value(mine, message: str) -> None:
    with pytest.raises(EdgePruneError) as caught:
        mine(WRONG[message])
    assert message in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_an_unknown_name_says_in_a_line_where_the_known_ones_are() -> None:
    with pytest.raises(EdgePruneError, match="there is no target 'nucleo-f446'") as caught:
        load_target("nucleo-f446")
    assert "did you mean nucleo-f446re?" in caught.value.hint
    assert "`edgeprune targets`" in caught.value.hint
    assert len(caught.value.hint) < 100  # all names are cut in the middle where one shows it


def test_a_name_cannot_leave_the_folder_of_targets() -> None:
    with pytest.raises(EdgePruneError, match="there is no target"):
        load_target("../targets/cortex-m4")


def test_a_profile_that_is_not_there_or_not_text_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgePruneError, match="cannot be read"):
        load_target(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EdgePruneError, match="is not TOML"):
        load_target(tmp_path / "binary.toml")
    (tmp_path / "huge.toml").write_text("#" * 100_000)
    with pytest.raises(EdgePruneError, match="is larger than"):
        load_target(tmp_path / "huge.toml")


def test_targets_and_runtime_are_found_beside_the_package() -> None:
    assert (targets_dir() / "README.md").is_file()
    assert (runtime_dir() / "include").is_dir()


@pytest.mark.parametrize("key", ["title", "kernels", "flash_bytes", "sources", "stack_bytes"])
def test_the_readme_explains_the_keys(key: str) -> None:
    assert f"`{key}`" in (targets_dir() / "README.md").read_text().replace("[", "").replace("]", "")
