"""The load generator itself, beside the same work in plain C.

Send lag is what the generator is late: from the planned begin of a handshake to connect(). It is
held against a bare pacer in C, the open loop of load.c, in turns on the same server, and against
what the generator reports as latency; the figures are medians of the rounds. CPU a handshake is
held against the closed loop of load.c: both generators at once on one core, each with a server of
its own, as in the suite `paired`; the geometric mean of the runs.
"""

import contextlib
import json
import subprocess

import load
import processes
import rows
import servers

NAME = "pacing"
ABOUT = "the load generator: send lag and CPU a handshake, against plain C"
SERVER = "C epoll"
RATE = 5_000
CONNECTIONS = 64
WARM = 0.7
ROUNDS = 9
LAG_GATE_US = 250
SHARE_OF_LATENCY_GATE, LAG_GATE, CPU_GATE = 0.5, 1.2, 1.10


class Generator:
    """handshake-client against `server`, one thread. A context manager: ended with the block."""

    def __init__(self, catalog, server, *flags, seconds, warm=WARM, cpus=None):
        self.process = processes.start(
            [catalog.bin / "handshake-client", "load", f"127.0.0.1:{server.port}", *flags,
             "--threads", 1, "--warmup", f"{warm}s", "--duration", f"{warm + seconds:.3f}s",
             "-o", "json"], catalog.log, cpus)
        self._within = warm + seconds

    def report(self):
        try:
            out, _ = self.process.communicate(
                timeout=self._within + load.LAST_WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            raise processes.Failure("the generator did not end in time") from None
        if not out:
            raise processes.Failure(f"the generator ended with code {self.process.returncode}; "
                                    "see build/bench/servers.log")
        return GeneratorReport(json.loads(out))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes.end(self.process)


class GeneratorReport:
    """What it measured, under the names of load.Report."""

    def __init__(self, run):
        self.handshakes = int(run["okCount"])
        self.failures = int(run["failedCount"])
        self.not_begun = (int(run["plannedCount"]) - int(run["startedCount"])
                          if "sendLag" in run else 0)
        self.own_us = float(run["cpuTime"].rstrip("s")) * 1e6 / max(1, self.handshakes)
        self.lag_p99_us = int(run.get("sendLag", {}).get("p99Us", 0))
        self.p99_us = int(run.get("fromIntendedStart", {}).get("p99Us", 0))


def measure(bench):
    catalog = bench.catalog
    kind = catalog.other(SERVER)
    why = catalog.missing(kind)
    if why:
        yield rows.missing_row("pacing", LAG_GATE, why)
        return
    with catalog.start(kind) as server:
        capacity = load.run(catalog, server, "--connections", CONNECTIONS, seconds=2).rate
        yield from lag_rows(*lag_rounds(bench, server, RATE), RATE, f"{RATE:,}/s", absolute=True)
        rate = int(capacity / 2)
        yield from lag_rows(*lag_rounds(bench, server, rate), rate,
                            f"half of capacity, {rate:,}/s", absolute=False)
    yield from cpu_rows(bench, kind)


def lag_rounds(bench, server, rate):
    """Ours and C's, in turns; the reports of each."""
    seconds = max(1, 3 * bench.scale)
    ours, its = [], []
    for turn in range(2 if bench.quick else ROUNDS):
        for mine in (True, False) if turn % 2 == 0 else (False, True):
            if mine:
                with Generator(bench.catalog, server, "--rate", rate, "--max-in-flight", 5_000,
                               seconds=seconds) as generator:
                    ours.append(generator.report())
            else:
                its.append(load.run(bench.catalog, server, "--rate", rate, "--connections", 5_000,
                                    seconds=seconds, warm=WARM))
        bench.progress(f"send lag at {rate:,}/s", turn)
    return ours, its


def lag_rows(ours, its, rate, where, absolute):
    def middle(values):
        return sorted(values)[len(values) // 2]
    lag = middle([report.lag_p99_us for report in ours])
    latency = middle([report.p99_us for report in ours])
    failures = sum(report.failures + report.not_begun for report in ours)
    note = (f"lag / latency p99: {lag:,} / {latency:,} us; C "
            f"{middle([report['lag_p99_us'] for report in its]):,.0f} / "
            f"{middle([report['p99_us'] for report in its]):,.0f} us")
    details = {"rate": rate, "failures": failures,
               "lag_p99_us": [report.lag_p99_us for report in ours],
               "p99_us": [report.p99_us for report in ours],
               "c_lag_p99_us": [report["lag_p99_us"] for report in its],
               "c_p99_us": [report["p99_us"] for report in its]}
    if absolute:
        yield rows.Row(f"send lag p99, {where}", lag, LAG_GATE_US, unit="us", runs=len(ours),
                       least=min(details["lag_p99_us"]), most=max(details["lag_p99_us"]),
                       note=note, details=details)
        return
    shares = [report.lag_p99_us / max(1, report.p99_us) for report in ours]
    yield rows.median_ratio_row(f"send lag / latency, {where}", shares, SHARE_OF_LATENCY_GATE,
                                note=note, details=details)
    ratios = [one.lag_p99_us / max(0.1, other["lag_p99_us"]) for one, other in zip(ours, its)]
    yield rows.median_ratio_row(f"send lag, ours / C, {where}", ratios, LAG_GATE,
                                details={"ratios": ratios})


def cpu_rows(bench, kind):
    control = compare_cpu(bench, kind, "control: C load / itself", c_load, None)
    control.is_control = True
    yield control
    yield compare_cpu(bench, kind, "CPU a handshake, ours / C", our_load, CPU_GATE)


def compare_cpu(bench, kind, what, one, gate):
    """`one` against C's load, both at once on one core, in swapped order each run."""
    ratios, pairs, failures = [], [], 0
    for run in range(bench.runs):
        order = [one, c_load] if run % 2 == 0 else [c_load, one]
        with contextlib.ExitStack() as stack:
            started = [stack.enter_context(bench.catalog.start(kind, servers.ONE_CPU))
                       for _ in order]
            running = [start(bench, stack, server, 2 + index)
                       for index, (start, server) in enumerate(zip(order, started))]
            reports = [report() for report in running]
        mine, its = reports if run % 2 == 0 else reversed(reports)
        ratios.append(mine.own_us / its.own_us)
        pairs.append([mine.own_us, its.own_us])
        failures += mine.failures + its.failures
        bench.progress(what, run)
    note = "us a handshake: " + ", ".join(f"{mine:.1f} / {its:.1f}" for mine, its in pairs)
    return rows.ratio_row(what, ratios, gate, note=note,
                          details={"ratios": ratios, "us": pairs, "failures": failures})


# Each begins a load of bench.seconds; what it returns gives the report when it has ended.

def our_load(bench, stack, server, _):
    generator = stack.enter_context(Generator(
        bench.catalog, server, "--concurrency", CONNECTIONS, seconds=bench.seconds,
        cpus=servers.ONE_CPU))
    return generator.report


def c_load(bench, stack, server, source):
    one = stack.enter_context(load.Load(
        bench.catalog, server, "--connections", CONNECTIONS, "--seconds", bench.seconds,
        "--first-source", source, *load.window(WARM), cpus=servers.ONE_CPU))
    return lambda: one.report(WARM + bench.seconds)
