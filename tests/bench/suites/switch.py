"""Switches under full load into an event mode or the pool, from every other mode in turn.

The load is a closed loop that never stops; its completions are counted in half milliseconds. Of
each switch: the switch time that the server reports, the longest time in which no handshake
completed (which bounds the stall from above), and how long after the order the rate is back at the
target mode's own. The same longest time without a switch, a moment later, is reported beside it.
"""

import time

import load
import operator_rpc
import processes
import rows
import servers

NAME = "switch"
ABOUT = "switches under full load: time, stall, loss, recovery"
TARGETS = ["epoll", "coroutine", "io-uring", "thread-pool"]
CONNECTIONS = 64
SWITCHES = 30  # into each target
BUCKET_US = 500
SETTLE = 0.4  # in the source mode, before the switch
STAY = 1.0  # in the target mode, after it
STEADY_FROM = 0.5  # its own rate is that of the rest of its stay
RECOVERY_WINDOW = 0.05
NEAR = 0.3  # after a switch: where a stall would be its doing
GATE_MS, RECOVERY_GATE_MS, RECOVERED = 10, 100, 0.95


def measure(bench):
    why = operator_rpc.missing()
    if why:
        yield rows.missing_row("switches", GATE_MS, why)
        return
    catalog = bench.catalog
    there = [mode for mode in servers.MODES if not catalog.missing(catalog.ours(mode))]
    for target in TARGETS:
        if target not in there:
            yield rows.missing_row(f"into {target}", GATE_MS,
                                   catalog.missing(catalog.ours(target)))
            continue
        yield from into(bench, target, [mode for mode in there if mode != target])


def into(bench, target, sources):
    catalog, count = bench.catalog, 6 if bench.quick else SWITCHES
    made = []
    with catalog.start(catalog.ours(target)) as server, \
            operator_rpc.Operator(catalog, server) as operator, \
            load.Load(catalog, server, "--connections", CONNECTIONS, "--seconds", 500,
                      "--series", BUCKET_US) as running:
        for number in range(count):
            operator.switch(sources[number % len(sources)])
            processes.wait(SETTLE)
            ordered = time.monotonic_ns()
            switched = operator.switch(target)
            processes.wait(STAY)
            made.append((ordered, 1e3 * operator_rpc.seconds(switched.switch_time)))
            bench.progress(f"switches into {target}", number)
        running.process.terminate()
        report = running.report(30)
        lost = sum(switch.lost_count for switch in operator.switches())
    series = Series(report)
    yield from judge(target, series, made, report["failures"] + lost)


class Series:
    """Completions over time, asked for by seconds after a moment of the monotonic clock."""

    def __init__(self, report):
        self._begin, self._counts = report["begin_ns"], report["series"]

    def _slice(self, moment, begin, end):
        first = (moment - self._begin) / 1e3 / BUCKET_US
        per_second = 1e6 / BUCKET_US
        return self._counts[int(first + begin * per_second):int(first + end * per_second)]

    def rate(self, moment, begin, end):
        counts = self._slice(moment, begin, end)
        return sum(counts) / (len(counts) * BUCKET_US / 1e6)

    def longest_gap_ms(self, moment, begin, end):
        longest = run = 0
        for count in self._slice(moment, begin, end):
            run = 0 if count else run + 1
            longest = max(longest, run)
        return (longest + 1) * BUCKET_US / 1e3  # at most: it began and ended within a bucket

    def recovery_ms(self, moment, own_rate):
        """From when on a window has the rate; the whole stay if none has."""
        step = 0.001
        for number in range(int((STAY - RECOVERY_WINDOW) / step)):
            begin = number * step
            if self.rate(moment, begin, begin + RECOVERY_WINDOW) >= RECOVERED * own_rate:
                return 1e3 * begin
        return 1e3 * STAY


def judge(target, series, made, lost):
    moments = [moment for moment, _ in made]
    own = sorted(series.rate(moment, STEADY_FROM, STAY) for moment in moments)[len(moments) // 2]
    times = [switch_ms for _, switch_ms in made]
    gaps = [series.longest_gap_ms(moment, 0, NEAR) for moment in moments]
    calm = [series.longest_gap_ms(moment, STEADY_FROM, STEADY_FROM + NEAR) for moment in moments]
    recoveries = [series.recovery_ms(moment, own) for moment in moments]
    first = sorted(series.rate(moment, 0, 0.1) / own for moment in moments)[len(moments) // 2]
    yield spread(f"into {target}: switch time, p99", times, 0.99, GATE_MS)
    yield spread(f"into {target}: longest gap between completions, p99", gaps, 0.99, GATE_MS,
                 note=f"without a switch {rows.percentile(calm, 0.99):.1f} ms")
    yield spread(f"into {target}: recovery, median", recoveries, 0.5, RECOVERY_GATE_MS,
                 note=f"own rate {own:,.0f}/s; the first 100 ms had {first:.0%} of it")
    yield rows.Row(f"into {target}: lost", lost, 0, "lost", len(made))


def spread(what, values, share, gate, **more):
    return rows.Row(what, rows.percentile(values, share), gate, "ms", len(values),
                    least=min(values), most=max(values), details={"values": values}, **more)
