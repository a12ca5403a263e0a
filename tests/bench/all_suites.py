"""The suites, in the order in which they run: each a module with NAME, ABOUT and measure(bench),
which yields rows as it goes."""

from suites import (closed, control, counts, memory, open_loop, pacing, paired, parser, reactors,
                    switch)

ALL = [counts, paired, memory, closed, open_loop, pacing, switch, control, reactors, parser]
