"""An Arduino sketch that answers inputs over its serial port: the self-test that is flashed."""

from __future__ import annotations

import jinja2

from edgeprune.resources import firmware_dir
from edgeprune.toolchain.cmodel import CModel

_SHARED = ("ep_firmware.h", "ep_serial.h", "serial.c", "harness.c")


def sketch(model: CModel, model_id: int) -> dict[str, bytes]:
    """The files of the sketch, by their path in its folder.

    Its time is that of ``micros``; the stack is the framework's, so that it is not measured.

    Args:
        model: a folder of generated C.
        model_id: what tells it from other models.
    """
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("edgeprune.emit.packages", "templates"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    files = {"selftest.ino": env.get_template("sketch/selftest.ino.j2").render().encode()}
    settings = env.get_template("sketch/ep_settings.h.j2").render(model=model, model_id=model_id)
    files["ep_settings.h"] = settings.encode()
    for name in _SHARED:
        content = (firmware_dir() / name).read_bytes()
        if name.endswith(".c"):
            content = b'#include "ep_settings.h"\n' + content
        files[name] = content
    files["rows.c"] = model.rows_function("ep_rows").encode()
    for path in sorted(model.folder.iterdir()):
        if path.suffix in (".c", ".h", ".inc", ".S") and "_selftest" not in path.name:
            files[path.name] = path.read_bytes()
    return files
