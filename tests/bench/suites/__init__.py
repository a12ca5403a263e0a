"""The suites, in the order in which they run. A suite is a module with NAME, ABOUT and measure()."""

from suites import counts, memory, paired

ALL = [counts, paired, memory]
