"""What the control plane costs the data plane: an open loop at 40 % of capacity, alone and beside
GetStats at 100/s and 100 watchers at 10 Hz.

The two take turns; the figure is the geometric mean of the rounds' ratios, of p99 their median: a
stall of the machine for 40 ms is all of a window's p99. Engine CPU is what the
server itself counts for its engine threads. The control plane's clients are a process of their own,
a nice one: what they take of the cores is not the server's doing, what it does for them is.
"""

import json
import pathlib
import sys

import load
import operator_rpc
import processes
import rows

NAME = "control"
ABOUT = "beside GetStats 100/s and 100 watchers at 10 Hz, open loop at 40 % of capacity"
MODE = "epoll"
CALLS, WATCHERS, INTERVAL_MS = 100, 100, 100
SHARE_OF_CAPACITY = 0.4
CONNECTIONS = 64
MOST_CONNECTIONS = 5_000
CPU_GATE, P99_GATE = 1.05, 1.3
ROUNDS = 9
SECONDS = 4
PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "control_load.py"


class ControlLoad:
    """control_load.py while it runs. A context manager; `counts` afterwards."""

    def __init__(self, catalog, server):
        self.process = processes.start(
            ["nice", "-n", "19", sys.executable, PROGRAM, f"127.0.0.1:{server.control_port}",
             CALLS, WATCHERS, INTERVAL_MS], catalog.log)
        self.counts = {}
        try:
            processes.await_line(self.process, "ready", "the control plane's load")
        except processes.Failure:
            processes.end(self.process)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        out, _ = self.process.communicate(timeout=20)
        self.counts = json.loads(out.splitlines()[-1])
        processes.end(self.process)


class Usage:
    """What the server has used and done, now."""

    def __init__(self, operator, server):
        stats = operator.stats()
        self.engine = sum(operator_rpc.seconds(mode.engine_cpu_time) for mode in stats.modes)
        self.completed = sum(mode.completed_count for mode in stats.modes)
        self.process = processes.cpu_seconds(server.pid)


def measure(bench):
    why = operator_rpc.missing()
    if why:
        yield rows.missing_row("control interference", CPU_GATE, why)
        return
    catalog = bench.catalog
    with catalog.start(catalog.ours(MODE)) as server, \
            operator_rpc.Operator(catalog, server) as operator:
        capacity = load.run(catalog, server, "--connections", CONNECTIONS, seconds=2).rate
        rate = int(SHARE_OF_CAPACITY * capacity)
        alone, beside, totals = [], [], []
        for turn in range(2 if bench.quick else ROUNDS):
            for with_control in (False, True) if turn % 2 == 0 else (True, False):
                if with_control:
                    with ControlLoad(catalog, server) as control:
                        beside.append(window(bench, server, operator, rate))
                    totals.append(control.counts)
                else:
                    alone.append(window(bench, server, operator, rate))
            bench.progress(f"control, at {rate:,}/s", turn)
    yield from judge(rate, alone, beside, totals)


def window(bench, server, operator, rate):
    """One load; what it saw, the engines' microseconds a handshake, the rest's CPU a second."""
    before = Usage(operator, server)
    seconds = max(2, SECONDS * bench.scale)
    report = load.run(bench.catalog, server, "--rate", rate, "--connections", MOST_CONNECTIONS,
                      seconds=seconds, warm=0)
    after = Usage(operator, server)
    engine = after.engine - before.engine
    return {"p99_us": report["p99_us"], "failures": report["failures"],
            "engine_us": 1e6 * engine / max(1, after.completed - before.completed),
            "rest_seconds": after.process - before.process - engine,
            "seconds": seconds}


def judge(rate, alone, beside, totals):
    def ratios(key):
        return [one[key] / other[key] for one, other in zip(beside, alone)]
    failures = sum(one["failures"] for one in alone + beside)
    failures += sum(counts["failed_calls"] for counts in totals)
    refused = max(counts["refused_streams"] for counts in totals)
    details = {"rate": rate, "alone": alone, "beside": beside, "control": totals}
    yield rows.Row(f"failed handshakes and calls, at {rate:,}/s", failures, 0, "failed",
                   len(beside), details=details)
    yield rows.Row("watchers refused", refused, 0, f"of {WATCHERS}", len(beside),
                   note=", ".join(sorted({why for counts in totals for why in counts["failures"]})))
    yield rows.ratio_row("engine CPU a handshake, beside / alone", ratios("engine_us"), CPU_GATE)
    middle = sorted(one["p99_us"] for one in alone)[len(alone) // 2]
    yield rows.median_ratio_row("p99, beside / alone", ratios("p99_us"), P99_GATE,
                         note=f"alone {middle:,.0f} us")
    rest = sum(one["rest_seconds"] for one in beside) - sum(one["rest_seconds"] for one in alone)
    per_second = CALLS + (WATCHERS - refused) * 1_000 / INTERVAL_MS
    answered = per_second * sum(one["seconds"] for one in beside)
    messages = sum(counts["calls"] + counts["messages"] for counts in totals)
    yield rows.Row("control CPU a message", 1e6 * rest / answered, None, "us", len(beside),
                   note=f"{messages:,} answers and messages in all")
