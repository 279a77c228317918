"""What every test can count on: one thread, seeded cases, and a message for whatever is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

# Before torch or numpy are imported: tests run side by side, and sums come out the same everywhere.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest

from edgeprune.environment import UNTOLD

os.environ.update(UNTOLD)  # for tests that import such libraries themselves

hypothesis.settings.register_profile(
    "edgeprune", deadline=None, derandomize=True, print_blob=True, database=None
)
hypothesis.settings.load_profile("edgeprune")

INSTALL = {
    "EDGEPRUNE_DATA": "EDGEPRUNE_DATA names no folder",
    "tensorflow": "pip install 'edgeprune[keras]'",
    "tflite_micro": "pip install 'edgeprune[dev]'",
    "platformio": "pip install 'edgeprune[dev]'",
    "kconfiglib": "pip install 'edgeprune[dev]'",
    "scons": "pip install 'edgeprune[dev]'",
    "idf_component_manager": "pip install 'edgeprune[dev]'",
    "arm-none-eabi-gcc": "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "riscv64-unknown-elf-gcc": "apt-get install {gcc,picolibc}-riscv64-unknown-elf",
    "avr-gcc": "apt-get install gcc-avr avr-libc",
    "aarch64-linux-gnu-gcc": "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "qemu-aarch64": "apt-get install qemu-user",
    "qemu-system-arm": "apt-get install qemu-system-arm",
    "qemu-system-riscv32": "apt-get install qemu-system-misc",
    "qemu-system-avr": "apt-get install qemu-system-misc",
    "arduino-core-avr": "apt-get install arduino-core-avr",
    "clang": "apt-get install clang",
    "g++": "apt-get install g++",
    "cppcheck": "apt-get install cppcheck",
    "cmake": "apt-get install cmake",
    "kotlinc": "apt-get install kotlin",
    "aapt2": "apt-get install aapt",
    "android-framework-res": "apt-get install android-framework-res",
    "chromium": "apt-get install chromium",
    "playwright": "pip install 'edgeprune[dev]'",
    "mlflow": "pip install 'edgeprune[mlflow]'",
    "nbclient": "pip install 'edgeprune[dev]'",
    "tree_sitter_swift": "pip install 'edgeprune[dev]'",
    "ipykernel": "pip install 'edgeprune[dev]'",
}
"""What `needs` can name, and how to get it."""

PACKAGES = {
    **{
        p: p
        for p in (
            "tensorflow",
            "tflite_micro",
            "platformio",
            "idf_component_manager",
            "playwright",
            "mlflow",
            "nbclient",
            "tree_sitter_swift",
        )
    },
    "kconfiglib": "kconfiglib",
    "scons": "SCons",
    "ipykernel": "ipykernel",
}
"""Those that are Python packages, and what is imported."""


LONG = ("test_docs.py", "e2e")
"""Where whole builds are run: first, so that idle workers can still take some of them over."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first; otherwise the order stays."""
    items.sort(key=lambda item: not any(part in item.path.parts for part in LONG))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs(...)` where something it names is missing, and say which."""
    for marker in item.iter_markers("needs"):
        for thing in marker.args:
            if not is_here(thing):
                pytest.skip(f"needs {thing}: {INSTALL[thing]}")


def is_here(thing: str) -> bool:
    """Whether a program, a Python package or the data folder is on this machine."""
    if thing == "EDGEPRUNE_DATA":
        return Path(os.environ.get(thing) or "/nowhere").is_dir()
    if thing in PACKAGES:
        return importlib.util.find_spec(PACKAGES[thing]) is not None
    if thing == "android-framework-res":
        return Path("/usr/share/android-framework-res/framework-res.apk").is_file()
    if thing == "arduino-core-avr":
        return Path("/usr/share/arduino/hardware/arduino/avr/cores").is_dir()
    return shutil.which(thing) is not None


@pytest.fixture(scope="session", autouse=True)
def user_cache(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A cache directory of the session's, for all workers: empty at first, and none of the user's.

    Kernels are compiled once a session, as processes that tests start have it too.
    """
    base = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        base = base.parent  # of the folders that xdist gives its workers
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(base / "cache"))
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real models and data; skips the test where there is none."""
    if not is_here("EDGEPRUNE_DATA"):
        pytest.skip(f"needs EDGEPRUNE_DATA: {INSTALL['EDGEPRUNE_DATA']}")
    return Path(os.environ["EDGEPRUNE_DATA"])


@pytest.fixture(scope="session")
def mnist_cnn() -> Path:
    """The ``.onnx`` file of the small CNN: image (1, 1, 28, 28) in 0..1 to 10 probabilities."""
    return Path(__file__).parent / "data" / "mnist_cnn" / "mnist_cnn.onnx"
