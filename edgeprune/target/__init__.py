"""Targets: what a model is built for. A target is a TOML profile; a new one needs no Python.

Profiles are in ``targets/<name>/profile.toml``; ``targets/README.md`` lists their keys.
"""

from edgeprune.target.facts import Emulator, Memory, Serial, Target, Timing, Toolchain
from edgeprune.target.names import list_targets, listed_target, load_target

DEFAULT_TARGET = "cortex-m4"
