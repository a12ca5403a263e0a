"""Closed loop at 64, 1,000 and 5,000 clients: nothing fails, and nobody waits for a lost SYN.

A mode that cannot have so many in progress at once is left out at that number: its clients would
wait in the kernel's queue, which is what they measure then.
"""

import load
import rows
import servers

NAME = "closed"
ABOUT = "closed loop; handshakes that failed or took more than 0.9 s"
CONCURRENCIES = [64, 1_000, 5_000]
OTHERS = ["C epoll", "C io_uring", "Asio callbacks", "Asio coroutines", "Go net", "Python asyncio"]
WARM = 1.5  # the first 5,000 are on their way by then
SECONDS = 5


def measure(bench):
    for mode in servers.MODES:
        kind = bench.catalog.ours(mode)
        at_once = int(bench.catalog.modes().get(mode, {}).get("maxConcurrent", 0))
        for connections in CONCURRENCIES:
            if connections > at_once and not bench.catalog.missing(kind):
                break
            yield run(bench, kind, connections, gate=0)
    for name in [] if bench.quick else OTHERS:
        for connections in CONCURRENCIES:
            yield run(bench, bench.catalog.other(name), connections, gate=None)


def run(bench, kind, connections, gate):
    what = f"{kind.name}, {connections:,} at once"
    why = bench.catalog.missing(kind)
    if why:
        return rows.missing_row(what, gate, why)
    with bench.catalog.start(kind) as server:
        report = load.run(bench.catalog, server, "--connections", connections,
                          seconds=max(1, SECONDS * bench.scale), warm=WARM)
    bench.progress(what)
    note = (f"{report.rate:,.0f}/s, p50 {report['p50_us'] / 1e3:.1f} ms, "
            f"p99 {report['p99_us'] / 1e3:.1f} ms, server {report.server_us:.1f} us, "
            f"load {report.own_us:.1f} us; failed {report['failures']}, slow {report['slow']}")
    return rows.Row(what, report["failures"] + report["slow"], gate, "bad", 1, note=note,
                    details=dict(report))
