"""What a reader keeps of the states of a file."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeprune.ir import Array


@dataclass
class States:
    """What resource variables are, while the file is read.

    Attributes:
        handles: by tensor number, the name of the variable that it stands for.
        initial: by variable, the values that CALL_ONCE gives it.
        read: by variable, the input that stands for what the last call left.
        now: by variable, the value that it has at this place of the file.
    """

    handles: dict[int, str] = field(default_factory=dict)
    initial: dict[str, Array] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)
    now: dict[str, str] = field(default_factory=dict)
