"""Cross compilers and emulators: links generated C, reads sizes, runs and counts it."""

from edgeprune.toolchain.cmodel import CModel, read_model
from edgeprune.toolchain.compiler import Compiler, Optimize, find_compiler
from edgeprune.toolchain.counter import Counts, Profile
from edgeprune.toolchain.emulator import FirmwareError, emulator_version
from edgeprune.toolchain.size import Size, measure

__all__ = [
    "CModel",
    "Compiler",
    "Counts",
    "FirmwareError",
    "Optimize",
    "Profile",
    "Size",
    "emulator_version",
    "find_compiler",
    "measure",
    "read_model",
]
