"""Published times of other engines: MLPerf Tiny, closed division, on the boards that we model.

Source: the submitters' logs (``results.txt``: median inferences a second) in the repositories
mlcommons/tiny_results_v0.5 to v1.3. Cycles are the latency times the clock of the board.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """The fastest result for a model on a board."""

    ms: float
    clock_mhz: int
    who: str  # submitter and round

    @property
    def cycles(self) -> float:
        """Of one inference."""
        return self.ms * 1000 * self.clock_mhz


BEST = {
    ("ad01", "nucleo-l4r5zi"): Published(4.05, 120, "Plumerai v1.1"),
    ("ic01", "nucleo-l4r5zi"): Published(165.13, 120, "ST v1.2"),
    ("kws01", "nucleo-l4r5zi"): Published(43.19, 120, "ST v1.2"),
    ("ad01", "nucleo-u575zi"): Published(3.21, 160, "ST v1.3"),
    ("ic01", "nucleo-u575zi"): Published(104.29, 160, "Plumerai v1.1"),
    ("kws01", "nucleo-u575zi"): Published(28.99, 160, "ST v1.3"),
    ("ad01", "nucleo-h7a3zi"): Published(1.23, 280, "ST v1.2"),
    ("ic01", "nucleo-h7a3zi"): Published(40.84, 280, "ST v1.2"),
    ("kws01", "nucleo-h7a3zi"): Published(11.32, 280, "ST v1.2"),
    ("ad01", "nucleo-g0b1re"): Published(40.89, 64, "Bosch v1.2"),
    ("ic01", "nucleo-g0b1re"): Published(1522.07, 64, "Bosch v1.2"),
    ("kws01", "nucleo-g0b1re"): Published(474.61, 64, "Bosch v1.2"),
}
