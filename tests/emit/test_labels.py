"""Names of classes go wherever the answers go."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path

import onnx
import pytest

import edgeprune
from edgeprune.emit.to_c.header import _c_string
from edgeprune.errors import EdgePruneError
from edgeprune.pipeline.values import parse_labels
from tests.e2e.conftest import invoke, report_of
from tests.emit.packages import small_cnn, small_mlp

NAMES = ("cat", 'a "dog" $1', "Vögel")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    model = small_cnn(folder / "net.onnx")
    (folder / "names.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    given = ("--data", model.with_suffix(".npz"), "--labels", folder / "names.txt")
    packages = "--dtype int8 --target host --package make,android,python,arduino".split()
    done = invoke("build", model, *given, *packages, "-o", folder / "out")
    assert done.status == 0, done.err
    return folder / "out"


def test_the_report_has_them(built: Path) -> None:
    assert report_of(built)["labels"] == list(NAMES)


def test_c_has_them_as_a_macro(built: Path, tmp_path: Path) -> None:
    main = tmp_path / "main.c"
    main.write_text(
        '#include <stdio.h>\n#include "net.h"\n'
        "static const char *const labels[NET_CLASSES] = {NET_LABELS};\n"
        "int main(void) { for (int i = 0; i < NET_CLASSES; i++) puts(labels[i]); return 0; }\n"
    )
    program = tmp_path / "main"
    subprocess.run(["gcc", "-Wall", "-Werror", f"-I{built}/c", main, "-o", program], check=True)
    said = subprocess.run([program], capture_output=True, check=True, text=True, encoding="utf-8")
    assert said.stdout.splitlines() == list(NAMES)


def test_a_literal_of_c_holds_what_ascii_can_print_and_octal_numbers() -> None:
    assert _c_string('~a"?\x7f\n') == "~a\\042\\077\\177\\012"


def test_tflite_and_onnx_hold_them(built: Path) -> None:
    app = built / "packages" / "android" / "net" / "app" / "src" / "main"
    for path in (built / "model.tflite", app / "assets" / "model.tflite"):
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            assert archive.read("labels.txt").decode().splitlines() == list(NAMES)
    props = {p.key: p.value for p in onnx.load(built / "model.onnx").metadata_props}
    assert json.loads(props["labels"]) == list(NAMES)
    assert '"a \\"dog\\" \\$1"' in (app / "java/org/edgeprune/model/Model.kt").read_text()


def test_every_package_has_them(built: Path) -> None:
    for header in built.glob("packages/*/net/**/net.h"):
        assert "NET_LABELS" in header.read_text()
    module = (built / "packages" / "python" / "net" / "net.py").read_text()
    space: dict[str, object] = {}
    (line,) = (row for row in module.splitlines() if row.startswith("LABELS"))
    exec(line, space)
    assert space["LABELS"] == NAMES
    for readme in built.glob("packages/*/net/README.md"):
        assert '| classes | 0 cat, 1 a "dog" $1, 2 Vögel |' in readme.read_text()


def test_a_verdict_and_the_page_still_come(built: Path) -> None:
    assert invoke("verify", built).status == 0
    assert invoke("report", built).status == 0


def test_one_label_of_several_keeps_its_name(tmp_path: Path) -> None:
    import numpy as np

    model = small_mlp(tmp_path / "net.onnx")
    x = np.load(model.with_suffix(".npz"))["x"]
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(len(x)) % 4)
    given = ("--data", tmp_path / "d.npz", "--labels", "a,b,c,d", "--target", "host")
    for classes, expected in (("2", ["not c", "c"]), ("1,3", ["b", "d"])):
        done = invoke("build", model, *given, "--classes", classes, "-o", tmp_path / classes)
        assert done.status == 0, done.err
        assert report_of(tmp_path / classes)["labels"] == expected
        page = (tmp_path / classes / "report.html").read_text()
        assert all(f"<td>{name}</td>" in page for name in expected)


def test_names_that_do_not_suit_are_refused(tmp_path: Path) -> None:
    model = small_mlp(tmp_path / "net.onnx")
    given = ("--data", model.with_suffix(".npz"), "-o", tmp_path / "out")
    done = invoke("build", model, *given, "--labels", "a,b,c")
    assert done.status == 2
    assert "3 names for 4 classes" in done.err
    assert not (tmp_path / "out").exists()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for text in ("alone", "a,,b", str(tmp_path / "binary"), str(tmp_path)):
        with pytest.raises(EdgePruneError, match="--labels"):
            parse_labels(text)


@pytest.mark.parametrize("how", ["text", "list"])
def test_they_can_be_given_in_python(tmp_path: Path, how: str) -> None:
    model = small_mlp(tmp_path / "net.onnx")
    built = edgeprune.build(
        model,
        data=model.with_suffix(".npz"),
        target="host",
        labels="a,b,c,d" if how == "text" else list("abcd"),
        emit=("c",),
        out=tmp_path / "out",
    )
    assert built.report["labels"] == ["a", "b", "c", "d"]
