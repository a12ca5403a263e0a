"""Exact counts a handshake: system calls, TCP segments, heap allocations.

System calls are counted with server and load on one core, the server woken in its turn only: so it
finds what a full round of its clients brought, and the count is the same each time. With all cores
and a server that is faster than its load it wakes for single events; that is reported beside it.
"""

import counters
import load
import network
import processes
import rows
import servers

NAME = "counts"
ABOUT = "exact counts a handshake at 64 concurrent"
CONNECTIONS = 64
SYSCALL_GATES = {"epoll": 6.2, "io-uring": 0.6}
SEGMENTS_GATE = 9  # 11 as the kernel has it
OTHERS = ["C epoll", "C io_uring", "Asio callbacks", "Asio coroutines", "Go net"]
# What the process allocates beside handshakes (rates, control) is below this in a run.
ALLOCATIONS_GATE = 0.0005
WARM_HANDSHAKES = 5_000


def measure(bench):
    catalog = bench.catalog
    modes = list(filter(bench.wanted, servers.MODES))
    for mode in modes:
        yield syscalls(bench, catalog.ours(mode), SYSCALL_GATES.get(mode))
    for name in filter(bench.wanted, OTHERS):
        yield syscalls(bench, catalog.other(name), None)
    for kind in [*map(catalog.ours, SYSCALL_GATES), catalog.other("C epoll")]:
        if bench.wanted(kind.name):
            yield syscalls(bench, kind, None, cpus=None)
    swallow = {"LD_PRELOAD": str(catalog.tool("no_quickack.so"))}
    for mode in modes:
        yield segments(bench, mode, None, SEGMENTS_GATE)
    yield segments(bench, "epoll", swallow, None)
    for mode in modes:
        yield allocations(bench, mode, ALLOCATIONS_GATE if mode in servers.EVENT_MODES else None)


def syscalls(bench, kind, gate, cpus=servers.ONE_CPU):
    what = f"system calls, {kind.name}" + ("" if cpus else ", all cores")
    catalog = bench.catalog
    counter = counters.syscall_counter()
    why = catalog.missing(kind) or (None if counter else "neither perf nor strace is here")
    if why:
        return rows.missing_row(what, gate, why)
    with catalog.start(kind, cpus, patient=cpus is not None) as server:
        load.run_count(catalog, server, min(WARM_HANDSHAKES, bench.count), "--connections",
                       CONNECTIONS, cpus=cpus)
        with counter(catalog, server.pid) as counted:
            report = load.run_count(catalog, server, bench.count, "--connections", CONNECTIONS,
                                    cpus=cpus)
    if not counted.count:
        return rows.missing_row(what, gate, f"{counter.NAME} counted nothing")
    bench.progress(what)
    return rows.Row(what, counted.count / report["done"], gate, "a handshake", 1,
                    details={"calls": counted.count, "handshakes": report["done"],
                             "method": counter.NAME})


def segments(bench, mode, environment, gate):
    """Of both ends together."""
    what = f"segments, {mode}" + (", QUICKACK as the kernel has it" if environment else "")
    catalog = bench.catalog
    kind = catalog.ours(mode)
    why = catalog.missing(kind)
    if why:
        return rows.missing_row(what, gate, why)
    with catalog.start(kind, environment=environment) as server:
        load.run_count(catalog, server, 100, "--connections", CONNECTIONS, environment=environment)
        before = settled_segments()
        report = load.run_count(catalog, server, bench.count, "--connections", CONNECTIONS,
                                environment=environment)
        sent = settled_segments() - before
    bench.progress(what)
    # A pause of the scheduler can outlast a delayed ACK, 40 ms: fewer than 1 in 200 may.
    return rows.Row(what, round(sent / report["done"], 2), gate, "a handshake", 1,
                    note=f"{sent:,} in {report['done']:,} handshakes",
                    details={"segments": sent, "handshakes": report["done"]})


def settled_segments():
    """Segments sent so far, once nothing more comes."""
    last = None
    for _ in range(100):
        now = network.tcp_counters()["OutSegs"]
        if now == last:
            break
        last = now
        processes.wait(0.1)
    return last


def allocations(bench, mode, gate):
    what = f"heap allocations, {mode}"
    catalog = bench.catalog
    kind = catalog.ours(mode)
    why = catalog.missing(kind)
    if why:
        return rows.missing_row(what, gate, why)
    counter = counters.Allocations(catalog)
    with catalog.start(kind, environment=counter.environment) as server:
        load.run_count(catalog, server, min(WARM_HANDSHAKES, bench.count), "--connections",
                       CONNECTIONS)
        before = counter.read()
        report = load.run_count(catalog, server, bench.count, "--connections", CONNECTIONS)
        count = counter.read() - before
        idle_before = counter.read()
        processes.wait(report["seconds"])
        idle = counter.read() - idle_before
    bench.progress(what)
    row = rows.Row(what, count / report["done"], gate, "a handshake", 1,
                   note=f"{count:,} in {report['done']:,} handshakes; {idle} in as long idle",
                   details={"allocations": count, "handshakes": report["done"], "idle": idle})
    return row
