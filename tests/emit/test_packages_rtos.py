"""Packages for ESP-IDF, Zephyr, CMSIS and Python, as far as they can be tried here."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edgeprune.target import load_target
from tests.emit.packages import NAME, TARGET, WARNINGS, run


@pytest.mark.needs("idf_component_manager")
def test_espressifs_component_manager_accepts_the_manifests(package: Any) -> None:
    from idf_component_tools.manager import ManifestManager, UploadMode

    folder = package("espidf")
    whole = ManifestManager(folder, NAME, upload_mode=UploadMode.component)
    assert whole.validate().validation_errors == []
    main = ManifestManager(folder / "examples" / "selftest" / "main", "main")
    assert main.validate().validation_errors == []
    (requirement,) = main.load().raw_requirements
    assert requirement.name.endswith(NAME)
    wrong = folder / "idf_component.yml"
    wrong.write_text(wrong.read_text().replace('"1.0.0"', '"one"'))
    again = ManifestManager(folder, NAME, upload_mode=UploadMode.component)
    assert again.validate().validation_errors != []


IDF = """cmake_minimum_required(VERSION 3.16)
project(app C ASM)
function(idf_component_register)
    cmake_parse_arguments(given "" "" "SRCS;INCLUDE_DIRS" ${ARGN})
    add_library(component STATIC ${given_SRCS})
    target_include_directories(component PUBLIC ${given_INCLUDE_DIRS})
    set(COMPONENT_LIB component PARENT_SCOPE)
endfunction()
add_subdirectory(net)
add_executable(app main.c net/examples/selftest/main/main.c)
target_link_libraries(app PRIVATE component m)
"""


@pytest.mark.needs("cmake")
def test_the_espidf_component_builds_where_its_functions_are_stood_in_for(package: Any) -> None:
    app = package("espidf").parent
    (app / "CMakeLists.txt").write_text(IDF)
    (app / "main.c").write_text("void app_main(void);\nint main(void) { app_main(); return 0; }\n")
    assert "passed (0)" in built_and_run(app)


@pytest.mark.needs("riscv64-unknown-elf-gcc")
def test_the_espidf_component_compiles_for_the_core_of_an_esp32_c3(package: Any) -> None:
    folder = package("espidf")
    target = load_target("esp32-c3-devkit")
    assert target.toolchain is not None
    sources = sorted((folder / "src").iterdir())
    flags = [*target.toolchain.flags, *WARNINGS.split(), "-Iinclude", "-std=gnu17", "-Os"]
    run([f"{target.toolchain.prefix}gcc", *flags, "-c", *sources], folder)


MODULE = {"name": str, "build": {"cmake": str, "kconfig": str}}
"""What Zephyr's scripts/zephyr_module.py has of METADATA_SCHEMA for the keys that are used."""


def test_the_zephyr_module_file_keeps_to_the_schema(package: Any) -> None:
    folder = package("zephyr")
    found = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    assert set(found) == set(MODULE)
    assert isinstance(found["name"], str)
    assert set(found["build"]) == set(MODULE["build"])
    assert (folder / found["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (folder / found["build"]["kconfig"]).is_file()
    sample = yaml.safe_load((folder / "samples" / "selftest" / "sample.yaml").read_text())
    assert set(sample) == {"sample", "tests"}
    symbols = re.findall(r"^config (\w+)$", (folder / "zephyr" / "Kconfig").read_text(), re.M)
    used = re.findall(r"CONFIG_(\w+)=y", (folder / "samples/selftest/prj.conf").read_text())
    assert sorted(symbols) == sorted(used)
    assert "NET" not in symbols, "Zephyr's own networking is called so"


@pytest.mark.needs("kconfiglib")
def test_kconfig_takes_the_modules_switches(package: Any) -> None:
    import kconfiglib

    folder = package("zephyr")
    known = kconfiglib.Kconfig(str(folder / "zephyr" / "Kconfig"), warn_to_stderr=False)
    readme = (folder / "README.md").read_text()
    (shown,) = re.findall(r"^```\n(CONFIG.*?)^```", readme, re.M | re.S)
    (folder / "shown.conf").write_text(shown)
    for conf in (folder / "samples" / "selftest" / "prj.conf", folder / "shown.conf"):
        known.load_config(str(conf))
        assert known.warnings == []
        assert {s.name: s.str_value for s in known.unique_defined_syms} == {
            "EDGEPRUNE_NET": "y", "EDGEPRUNE_NET_SELFTEST": "y",
        }  # fmt: skip


ZEPHYR = """cmake_minimum_required(VERSION 3.16)
project(app C ASM)
function(zephyr_include_directories)
    include_directories(${ARGN})
    set(includes ${ARGN} CACHE INTERNAL "")
endfunction()
macro(zephyr_library_named name)
    add_library(${name} STATIC)
    set(library ${name})
endmacro()
function(zephyr_library_sources)
    target_sources(${library} PRIVATE ${ARGN})
endfunction()
function(zephyr_library_sources_ifdef switch)
    if(${switch})
        target_sources(${library} PRIVATE ${ARGN})
    endif()
endfunction()
function(zephyr_library_compile_options)
    target_compile_options(${library} PRIVATE ${ARGN})
endfunction()
set(CONFIG_EDGEPRUNE_NET ON)
set(CONFIG_EDGEPRUNE_NET_SELFTEST ON)
set(ZEPHYR_CURRENT_MODULE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/net)
add_subdirectory(net/zephyr)
add_executable(app net/samples/selftest/src/main.c)
target_include_directories(app PRIVATE ${includes} stub)
target_link_libraries(app PRIVATE net m)
"""


@pytest.mark.needs("cmake")
def test_the_zephyr_module_builds_where_its_functions_are_stood_in_for(package: Any) -> None:
    app = package("zephyr").parent
    (app / "CMakeLists.txt").write_text(ZEPHYR)
    (app / "stub" / "zephyr").mkdir(parents=True)
    kernel = "#include <stdint.h>\n#include <stdio.h>\n#define printk printf\n"
    (app / "stub" / "zephyr" / "kernel.h").write_text(kernel)
    assert "net: self-test passed" in built_and_run(app)


def built_and_run(app: Path) -> str:
    run(["cmake", "-B", "build", f"-DCMAKE_C_FLAGS={WARNINGS}"], app)
    run(["cmake", "--build", "build"], app)
    return run([app / "build" / "app"], app)


PDSC = "vendor name description url license licenseSets releases keywords components".split()


@pytest.mark.needs("arm-none-eabi-gcc")
def test_the_pack_description_names_every_source_once_and_they_compile(package: Any) -> None:
    folder = package("cmsis")
    root = ET.parse(folder / f"edgeprune.{NAME}.pdsc").getroot()
    assert root.tag == "package"
    assert [child.tag for child in root] == PDSC
    assert root.findtext("name") == NAME
    assert f"edgeprune.{NAME}.pdsc" == f"{root.findtext('vendor')}.{root.findtext('name')}.pdsc"
    for component in root.iter("component"):
        assert {"Cclass", "Cgroup", "Csub", "Cversion"} <= set(component.attrib)
        assert [child.tag for child in component] == ["description", "files"]
    files = [(f.get("category"), str(f.get("name"))) for f in root.iter("file")]
    assert all((folder / name).exists() for _, name in files)
    sources = [n for kind, n in files if kind in ("sourceC", "sourceAsm")]
    assert sorted(sources) == sorted(f"src/{p.name}" for p in (folder / "src").iterdir())
    layer = yaml.safe_load((folder / f"{NAME}.clayer.yml").read_text())["layer"]
    ids = {
        f"edgeprune::{c.get('Cclass')}:{c.get('Cgroup')}:{c.get('Csub')}"
        for c in root.iter("component")
    }
    assert {c["component"] for c in layer["components"]} <= ids
    target = load_target(TARGET)
    assert target.toolchain is not None
    flags = [*target.toolchain.flags, *WARNINGS.split(), "-Iinclude", "-std=c99", "-Os"]
    run(["arm-none-eabi-gcc", *flags, "-c", *sources], folder)


def test_the_python_module_gives_what_was_stored(package: Any, built: Path) -> None:
    folder = package("python")
    run([sys.executable, f"build_{NAME}.py"], folder)
    assert "passed" in run([sys.executable, f"test_{NAME}.py"], folder)
    with np.load(built / "vectors.npz") as stored:
        np.savez(folder / "v.npz", x=stored["inputs"], y=stored["outputs"])
    code = """
import net, numpy as np
v = np.load("v.npz")
assert (net.run(v["x"]) == v["y"]).all()
real = np.float32(net.INPUT_SCALE) * (v["x"].astype(np.float32) - net.INPUT_ZERO_POINT)
y = np.float32(net.OUTPUT_SCALE) * (v["y"].astype(np.float32) - net.OUTPUT_ZERO_POINT)
assert (net.predict(real) == y).all()
"""
    run([sys.executable, "-c", code], folder)
