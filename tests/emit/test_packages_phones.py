"""Packages for phones, as far as they can be tried here."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeprune.emit.packages.render import swift
from edgeprune.verify import run_tflite
from edgeprune.verify.delegate import tolerance
from tests.emit.packages import NAME, run


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
