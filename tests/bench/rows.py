"""What a suite hands back: rows with a figure each, held against its gate."""

import dataclasses
import math
from typing import Any, Optional

OK, MISSED, MISSING, REPORTED, VOID = "ok", "MISSED", "missing", "-", "VOID"


@dataclasses.dataclass
class Row:
    """One figure. `gate` is the most it may be; None: reported only."""

    what: str
    value: Optional[float] = None
    gate: Optional[float] = None
    unit: str = ""  # "" is a ratio
    runs: int = 0
    note: str = ""
    missing: str = ""  # why it could not be measured
    least: Optional[float] = None  # of the runs
    most: Optional[float] = None
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    is_control: bool = False  # of one thing with itself: outside CONTROL_RANGE the run is void

    def verdict(self):
        if self.missing:
            return MISSING
        if self.is_control:
            return OK if in_control(self.value) else VOID
        if self.gate is None:
            return REPORTED
        return OK if self.value <= self.gate else MISSED

    def to_json(self):
        return {**dataclasses.asdict(self), "verdict": self.verdict()}


CONTROL_RANGE = (0.95, 1.05)


def in_control(ratio):
    return CONTROL_RANGE[0] <= ratio <= CONTROL_RANGE[1]


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def percentile(values, share):
    """Of a few values: the one at that rank, never between two."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def ratio_row(what, ratios, gate, **more):
    return Row(what, geometric_mean(ratios), gate, runs=len(ratios), least=min(ratios),
               most=max(ratios), **more)


def median_ratio_row(what, ratios, gate, **more):
    """For ratios of tails: one stall of the machine makes the p99 of a short run."""
    return Row(what, percentile(ratios, 0.5), gate, runs=len(ratios), least=min(ratios),
               most=max(ratios), **more)


def missing_row(what, gate, why):
    return Row(what, gate=gate, missing=why)
