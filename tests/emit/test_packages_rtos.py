"""Packages for ESP-IDF, Zephyr, CMSIS, Python and phones, as far as they can be tried here."""

from __future__ import annotations

import json
import re
import shutil
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edgeprune.emit.packages.render import swift
from edgeprune.target import load_target
from edgeprune.verify import run_tflite
from edgeprune.verify.delegate import tolerance
from tests.e2e.conftest import invoke
from tests.emit.packages import TARGET, WARNINGS, run, small_cnn

NAME = "net"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small convolutional network for a core with assembly."""
    folder = tmp_path_factory.mktemp("packages")
    model = small_cnn(folder / f"{NAME}.onnx")
    command = f"--data {model.with_suffix('.npz')} --target {TARGET} --dtype int8"
    packages = "--package=espidf,zephyr,cmsis,python,android,ios"
    done = invoke("build", model, *command.split(), packages, "-o", folder / "out")
    assert done.status == 0, done.err
    return folder / "out"


@pytest.fixture
def package(built: Path, tmp_path: Path) -> Any:
    """A copy of one package, alone in a fresh folder."""

    def copy(kind: str) -> Path:
        to = tmp_path / kind
        shutil.copytree(built / "packages" / kind, to)
        return to / NAME

    return copy


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


def test_the_model_in_the_app_gives_the_stored_answers_under_litert(
    built: Path, package: Any
) -> None:
    app = package("android") / "app" / "src"
    model = (app / "main" / "assets" / "model.tflite").read_bytes()
    x = np.frombuffer((app / "androidTest/assets/inputs.bin").read_bytes(), np.int8)
    y = np.frombuffer((app / "androidTest/assets/outputs.bin").read_bytes(), np.int8)
    x, y = x.reshape(-1, 8, 8, 1), y.reshape(-1, 3)
    np.testing.assert_array_equal(run_tflite.run(model, x), y)
    found = run_tflite.run(model, x, default=True)  # with XNNPACK, as on a phone
    told = json.loads((built / "report.json").read_text())["agreement"]["tflite_default"]
    assert told["test"]["samples"] == len(x)
    assert tolerance(told, len(x), integer=True).broken(y, found) == []
    assert tolerance(told, len(x), integer=True).broken(y, np.roll(found, 1, axis=1))
    first = (app / "main" / "assets" / "sample.bin").read_bytes()
    assert first == x[0].tobytes()


def test_the_apps_manifest_and_resources_fit_its_code(package: Any) -> None:
    folder = package("android")
    android = "{http://schemas.android.com/apk/res/android}"
    manifest = ET.parse(folder / "app/src/main/AndroidManifest.xml").getroot()
    activity = manifest.find("application/activity")
    application = manifest.find("application")
    assert activity is not None
    assert application is not None
    name = str(activity.get(f"{android}name")).lstrip(".")
    code = folder / "app/src/main/java/org/edgeprune/model"
    assert f"class {name} " in (code / f"{name}.kt").read_text()
    strings = ET.parse(folder / "app/src/main/res/values/strings.xml").getroot()
    labels = {f"@string/{s.get('name')}" for s in strings}
    assert application.get(f"{android}label") in labels
    for kotlin in folder.rglob("*.kt"):
        package_line = kotlin.read_text().splitlines()[0]
        assert package_line == "package org.edgeprune.model"
        assert kotlin.parent.parts[-3:] == ("org", "edgeprune", "model")


@pytest.mark.needs("aapt2", "android-framework-res")
def test_the_apps_manifest_resources_and_assets_are_linked(package: Any, tmp_path: Path) -> None:
    main = package("android") / "app" / "src" / "main"
    manifest = (main / "AndroidManifest.xml").read_text()
    # as Gradle does with the namespace
    named = manifest.replace("<manifest ", '<manifest package="org.edgeprune.model" ', 1)
    (tmp_path / "AndroidManifest.xml").write_text(named)
    run(["aapt2", "compile", "--dir", main / "res", "-o", "res.zip"], tmp_path)
    framework = "/usr/share/android-framework-res/framework-res.apk"
    link = "aapt2 link --manifest AndroidManifest.xml --min-sdk-version 26 -0 .tflite -o app.apk"
    run([*link.split(), "-I", framework, "-A", main / "assets", "res.zip"], tmp_path)
    said = run(["aapt2", "dump", "badging", "app.apk"], tmp_path)
    assert f"application-label:'{NAME}'" in said
    assert "launchable-activity: name='org.edgeprune.model.MainActivity'" in said
    with zipfile.ZipFile(tmp_path / "app.apk") as apk:
        model = apk.getinfo("assets/model.tflite")
        assert model.compress_type == zipfile.ZIP_STORED
        assert apk.read(model) == (main / "assets" / "model.tflite").read_bytes()


KOTLIN = {
    "litert": """package com.google.ai.edge.litert
import android.content.res.AssetManager
enum class Accelerator { CPU, GPU }
class TensorBuffer : AutoCloseable {
    fun writeInt8(data: ByteArray) { data.size }
    fun readInt8(): ByteArray = ByteArray(1)
    fun writeFloat(data: FloatArray) { data.size }
    fun readFloat(): FloatArray = FloatArray(1)
    override fun close() {}
}
class CompiledModel : AutoCloseable {
    class Options(val accelerator: Accelerator)
    fun createInputBuffers(): List<TensorBuffer> = listOf()
    fun createOutputBuffers(): List<TensorBuffer> = listOf()
    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>) { inputs.size + outputs.size }
    override fun close() {}
    companion object {
        fun create(assets: AssetManager, name: String, options: Options) =
            CompiledModel().also { check(name != assets.toString() + options) }
    }
}
""",
    "res": """package android.content.res
import java.io.InputStream
open class AssetManager { fun open(name: String): InputStream = name.byteInputStream() }
""",
    "content": """package android.content
import android.content.res.AssetManager
open class Context { open val assets = AssetManager() }
""",
    "app": """package android.app
import android.content.Context
import android.os.Bundle
import android.view.View
open class Activity : Context() {
    open fun onCreate(state: Bundle?) {}
    fun setContentView(view: View) { view.hashCode() }
}
""",
    "os": "package android.os\nclass Bundle\n",
    "view": "package android.view\nopen class View\n",
    "widget": """package android.widget
import android.content.Context
import android.view.View
class TextView(context: Context) : View() {
    var text: CharSequence = context.toString()
    var textSize: Float = 0f
    fun setPadding(a: Int, b: Int, c: Int, d: Int) { a + b + c + d }
}
class ScrollView(val context: Context) : View() { fun addView(view: View) { view.hashCode() } }
""",
    # part of Kotlin's own library since 1.8
    "use": """package org.edgeprune.model
inline fun <T : AutoCloseable, R> T.use(block: (T) -> R): R = block(this).also { close() }
""",
    "ext": "package androidx.test.ext.junit.runners\nclass AndroidJUnit4\n",
    "platform": """package androidx.test.platform.app
import android.content.Context
class Instrumentation { val context = Context(); val targetContext = Context() }
object InstrumentationRegistry { fun getInstrumentation() = Instrumentation() }
""",
    "junit": """package org.junit
annotation class Test
object Assert { @JvmStatic fun assertTrue(text: String, fact: Boolean) { check(fact) { text } } }
""",
    "runner": """package org.junit.runner
import kotlin.reflect.KClass
annotation class RunWith(val value: KClass<*>)
""",
}


@pytest.mark.slow
@pytest.mark.needs("kotlinc")
def test_the_apps_kotlin_compiles_against_stubs(package: Any, tmp_path: Path) -> None:
    folder = package("android")
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    for name, text in KOTLIN.items():
        (stubs / f"{name}.kt").write_text(text)
    code = [*folder.rglob("*.kt"), *stubs.iterdir()]
    out = run(["kotlinc", "-nowarn", *code, "-d", tmp_path / "classes"], folder)
    assert "error" not in out
    made = {p.name for p in (tmp_path / "classes").rglob("*.class")}
    assert {
        "Model.class",
        "MainActivity.class",
        "Agreement.class",
        "StoredSamplesTest.class",
    } <= made


def test_the_report_that_packages_quote_is_the_builds(built: Path) -> None:
    record = json.loads((built / "report.json").read_text())
    readme = (built / "packages" / "android" / NAME / "README.md").read_text()
    assert f"{record['size']['tflite_bytes']:,} bytes" in readme
    assert "was not built with Gradle" in readme


@pytest.mark.needs("tree_sitter_swift")
def test_the_swift_package_is_well_formed_swift(package: Any) -> None:
    import tree_sitter_swift
    from tree_sitter import Language, Parser

    parser = Parser(Language(tree_sitter_swift.language()))
    folder = package("ios")
    code = sorted(folder.rglob("*.swift"))
    assert len(code) == 4
    readme = (folder / "README.md").read_text()
    snippet = readme.split("```swift\n")[1].split("```")[0]
    for text in (*(file.read_text() for file in code), snippet):
        assert not parser.parse(text.encode()).root_node.has_error, text
        assert parser.parse(text.replace(")", "", 1).encode()).root_node.has_error


def test_the_swift_package_holds_what_its_code_reads_and_litert_answers_as_stored(
    built: Path, package: Any
) -> None:
    code = package("ios") / "Sources" / "PrunedModel"
    held = {p.name for p in (code / "Files").iterdir()}
    read = {
        n for p in code.glob("*.swift") for n in re.findall(r'resource\("(.+?)"\)', p.read_text())
    }
    assert held == read
    x = np.frombuffer((code / "Files/inputs.bin").read_bytes(), np.int8).reshape(-1, 8, 8, 1)
    y = np.frombuffer((code / "Files/outputs.bin").read_bytes(), np.int8).reshape(-1, 3)
    model = (code / "Files/model.tflite").read_bytes()
    np.testing.assert_array_equal(run_tflite.run(model, x), y)
    told = json.loads((built / "report.json").read_text())["agreement"]["tflite_default"]
    text = (code / "StoredSamples.swift").read_text()
    assert f"each = {float(told['test']['each'])}" in text
    assert f"0..<{len(x)}" in text


def test_names_of_classes_are_literals_of_swift_whatever_is_in_them() -> None:
    assert swift('a\\(b) "c"\n') == '"a\\\\(b) \\"c\\"?"'
