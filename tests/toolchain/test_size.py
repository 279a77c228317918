import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from toolchain.tiny import NEEDS_ARM, TINY, Variant, on_every_core, on_every_cortex_m

from edgeprune.errors import EdgePruneError
from edgeprune.scratch import workspace
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import find_compiler
from edgeprune.toolchain.size import measure


@on_every_core
def test_flash_is_code_and_constants_and_initialised_data(core: str) -> None:
    size = measure(TINY, load_target(core))
    assert size.flash_bytes == size.code_bytes + size.rodata_bytes + size.data_bytes
    assert size.by_symbol["weights"] == 64
    assert size.rodata_bytes + size.data_bytes == 64
    assert size.ram_bytes is not None
    assert size.stack_bytes is not None
    assert size.ram_bytes == size.data_bytes + size.bss_bytes + 64 + size.stack_bytes
    assert load_target(core).toolchain.prefix + "gcc" in size.toolchain


@on_every_core
def test_symbols_and_objects_add_up_to_the_whole(core: str) -> None:
    size = measure(TINY, load_target(core))
    padding = 16  # where two sections meet
    for parts in (size.by_symbol, size.by_object):
        assert abs(sum(parts.values()) - size.flash_bytes) <= padding
    assert {"tiny.o", "ep_sum_s8.o"} <= set(size.by_object)
    assert {"tiny_run", "ep_sum_s8", "weights"} <= set(size.by_symbol)


@on_every_cortex_m
def test_what_the_model_does_not_use_costs_nothing(core: str, variant: Variant) -> None:
    unused = "int unused(int x); int unused(int x) { static const int t[99] = {1}; return t[x]; }"
    folder = variant("", declarations=unused)
    assert (
        measure(folder, load_target(core)).flash_bytes
        == measure(TINY, load_target(core)).flash_bytes
    )


@on_every_cortex_m
def test_what_the_model_uses_of_the_c_library_is_its_own(core: str, variant: Variant) -> None:
    folder = variant("memcpy(arena, input, arena_bytes / 4);", declarations="#include <string.h>")
    target = load_target(core)
    plain, more = measure(TINY, target), measure(folder, target)
    assert any("memcpy" in name for name in more.by_object)
    assert more.flash_bytes > plain.flash_bytes
    assert more.stack_bytes is not None


@on_every_cortex_m
def test_a_larger_constant_costs_its_bytes(core: str, variant: Variant) -> None:
    sizes = []
    for n in (1000, 3000):
        table = f"static const int8_t table[{n}] = {{1, 2, 3}};"
        folder = variant("output[0] = table[(uint8_t)input[0]];", declarations=table)
        sizes.append(measure(folder, load_target(core)).flash_bytes)
    assert sizes[1] - sizes[0] == 2000


@on_every_cortex_m
def test_size_is_no_larger_than_speed(core: str) -> None:
    speed, size = (measure(TINY, load_target(core), optimize=o) for o in ("speed", "size"))
    assert size.flash_bytes <= speed.flash_bytes


@NEEDS_ARM
def test_memory_that_the_model_keeps_counts_as_ram(variant: Variant) -> None:
    folder = variant(
        "kept[input[0] & 63]++; set[input[0] & 7]++; output[0] = kept[3] + set[1];",
        declarations="static int8_t kept[64]; static int8_t set[8] = {1, 2, 3};",
    )
    size = measure(folder, load_target("cortex-m4"))
    assert (size.bss_bytes, size.data_bytes) == (64, 8)


@NEEDS_ARM
def test_a_call_by_pointer_leaves_the_stack_unknown(variant: Variant) -> None:
    folder = variant(
        "output[0] = f((int8_t)arena_bytes) + input[0];",
        declarations="extern int8_t (*volatile f)(int8_t); int8_t (*volatile f)(int8_t);",
    )
    size = measure(folder, load_target("cortex-m4"))
    assert size.stack_bytes is None
    assert size.ram_bytes is None


@NEEDS_ARM
@pytest.mark.parametrize("frame", [16, 400, 4000])
def test_the_stack_grows_by_the_frame(frame: int, variant: Variant) -> None:
    body = f"{{ volatile char b[{frame}]; b[x & 15] = 1; return b[0]; }}"
    folder = variant(
        "output[0] = framed(input[0]);",
        declarations=f"__attribute__((noinline)) static char framed(int x) {body}",
    )
    stack = measure(folder, load_target("cortex-m3")).stack_bytes
    assert stack is not None
    assert frame <= stack <= frame + 100


@NEEDS_ARM
def test_objects_are_compiled_once(variant: Variant) -> None:
    target = load_target("cortex-m4")
    measure(TINY, target)
    before = set(workspace().glob("*.o"))
    measure(TINY, target)
    assert set(workspace().glob("*.o")) == before
    measure(variant("output[1] = 1;"), target)
    fresh = set(workspace().glob("*.o")) - before
    assert [path.name.split("-")[0] for path in fresh] == ["tiny"]


@NEEDS_ARM
def test_a_changed_header_compiles_what_includes_it(tmp_path: Path) -> None:
    target = load_target("cortex-m4")
    folder = tmp_path / "copy"
    shutil.copytree(TINY, folder)
    before = set(workspace().glob("*.o"))
    header = folder / "ep_sum_s8.h"
    header.write_text(header.read_text() + "\n#define EP_NEW 1\n")
    measure(folder, target)
    made = {path.name.split("-")[0] for path in set(workspace().glob("*.o")) - before}
    assert {"tiny", "ep_sum_s8"} <= made


@NEEDS_ARM
def test_c_that_does_not_compile_is_an_error_with_the_compilers_words(variant: Variant) -> None:
    with pytest.raises(EdgePruneError, match=r"(?s)tiny\.c: arm-none-eabi-gcc failed.*undeclared"):
        measure(variant("output[0] = nowhere;"), load_target("cortex-m4"))


def test_a_compiler_that_is_not_installed_is_an_error_with_a_hint() -> None:
    target = load_target("cortex-m4")
    assert target.toolchain is not None
    absent = replace(target, toolchain=replace(target.toolchain, prefix="no-such-"))
    assert find_compiler(absent) is None
    with pytest.raises(EdgePruneError, match="no-such-gcc is not installed") as caught:
        measure(TINY, absent)
    assert "doctor" in caught.value.hint


def test_a_target_that_is_a_file_has_no_compiler() -> None:
    assert find_compiler(load_target("android")) is None
    with pytest.raises(EdgePruneError, match="no machine"):
        measure(TINY, load_target("android"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("name", "../evil", "cannot be used as a name"),
        ("name", "a;b", "cannot be used as a name"),
        ("sources", ["../../evil.c"], "cannot be used as a name"),
        ("sources", ["-fplugin=evil.so"], "cannot be used as a name"),
        ("sources", ["gone.c"], "names files that the folder lacks: gone.c"),
        ("sources", 3, "sources: must be a list, is 3"),
        ("input_shape", [0], r"input_shape\[0\]: must lie between"),
        ("input_shape", ["x"], r"input_shape\[0\]: must be a whole number"),
        ("dtype", "int3", "is not one of"),
        ("input_dtypes", [], "are no types of 0 parts"),
        ("output_dtypes", ["int8", "int8"], "are no types of 0 parts"),
    ],
)
def test_a_manifest_is_not_trusted(tmp_path: Path, key: str, value: object, message: str) -> None:
    folder = tmp_path / "c"
    shutil.copytree(TINY, folder)
    rows = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**rows, key: value}))
    with pytest.raises(EdgePruneError, match=message):
        measure(folder, load_target("cortex-m4"))


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", "[" * 10000, "null"])
def test_a_malformed_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(EdgePruneError, match=r"manifest\.json"):
        measure(tmp_path, load_target("cortex-m4"))
