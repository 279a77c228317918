"""Project files for the places where a model is dropped in: one module and one row an ecosystem."""

from __future__ import annotations

from collections.abc import Callable

from edgeprune.emit.packages.android import android
from edgeprune.emit.packages.arduino import arduino
from edgeprune.emit.packages.cmake import cmake
from edgeprune.emit.packages.cmsis import cmsis
from edgeprune.emit.packages.espidf import espidf
from edgeprune.emit.packages.facts import Facts, Files
from edgeprune.emit.packages.ios import ios
from edgeprune.emit.packages.make import make
from edgeprune.emit.packages.platformio import platformio
from edgeprune.emit.packages.python import python
from edgeprune.emit.packages.single import single
from edgeprune.emit.packages.zephyr import zephyr

Package = Callable[[Files, Facts], dict[str, bytes]]
"""Gets the generated C and what is known of the model; gives relative path -> bytes."""

PACKAGES: dict[str, Package] = {
    "make": make,
    "cmake": cmake,
    "single": single,
    "arduino": arduino,
    "platformio": platformio,
    "espidf": espidf,
    "zephyr": zephyr,
    "cmsis": cmsis,
    "python": python,
    "android": android,
    "ios": ios,
}
"""What ``--package`` can name."""

PHONES = ("android", "ios")
"""Those that go into apps."""

OF_ONE = ("python", *PHONES)
"""Those that are made for models with one input and one output only."""
