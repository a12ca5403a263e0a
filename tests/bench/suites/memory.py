"""What a connection costs that is held past message 2: the slope from 1,000 to 19,000.

User bytes are the growth of the server's resident memory. Kernel bytes are of both ends, by the
slab caches that grew; sockets in TIME_WAIT are left out, for they are not held.
"""

import pathlib
import re

import load
import rows
import servers

NAME = "memory"
ABOUT = "bytes a held connection, slope from {low:,} to {high:,}"
GATES = {"epoll": 192, "io-uring": 192, "coroutine": 448}
LOW, HIGH = 1_000, 19_000
HIGH_THREADS = 3_500  # below --max-threads
TIMEOUTS = ["--step-timeout", "60s", "--handshake-timeout", "120s"]
OTHERS = ["C epoll", "C io_uring", "Asio callbacks", "Asio coroutines", "Go net", "Python asyncio"]
# Connections on their way in or out, and what others on the machine do with files.
NOT_HELD = re.compile(r"tw_sock|request_sock|proc_inode|buffer_head|ext4|btrfs|xfs|radix_tree")

ABOUT = ABOUT.format(low=LOW, high=HIGH)


def measure(bench):
    catalog = bench.catalog
    for mode in servers.EVENT_MODES + ["thread-per-connection"]:
        threads = mode == "thread-per-connection"
        kind = catalog.ours(mode, *TIMEOUTS)
        yield from slope(bench, kind, GATES.get(mode), HIGH_THREADS if threads else HIGH)
    if not bench.quick:
        for name in OTHERS:
            yield from slope(bench, catalog.other(name), None, HIGH)


def resident_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024


def slab_bytes():
    """{cache: bytes in use}, of the caches that connections are made of; {} if it is hidden."""
    try:
        lines = pathlib.Path("/proc/slabinfo").read_text().splitlines()[2:]
    except PermissionError:
        return {}
    caches = {}
    for line in lines:
        name, active, _, size = line.split()[:4]
        if not NOT_HELD.search(name):
            caches[name] = int(active) * int(size)
    return caches


def slope(bench, kind, gate, high):
    user, kernel = f"user bytes, {kind.name}", f"kernel bytes, both ends, {kind.name}"
    why = bench.catalog.missing(kind)
    if why:
        yield rows.missing_row(user, gate, why)
        return
    low = LOW if high > 2 * LOW else high // 4
    with bench.catalog.start(kind) as server, \
            load.Load(bench.catalog, server, "--hold", "--sources", 8, orders=True) as holding:
        points = []
        for held in (low, high):
            answer = holding.order(f"open {held}")
            if answer != f"held {held} failed 0":
                yield rows.missing_row(user, gate, f"could not hold {held}: {answer}")
                return
            points.append((resident_bytes(server.pid), slab_bytes()))
        holding.process.stdin.write("finish\n")
        holding.process.stdin.flush()
        report = holding.report(30)
    bench.progress(user)
    added = high - low
    (user_low, slab_low), (user_high, slab_high) = points
    finished = f"{report['done']:,} held, {report['failures']} failed"
    yield rows.Row(user, (user_high - user_low) / added, gate, "B", 1, note=finished,
                   details={"held": high, "finished": report["done"],
                            "failures": report["failures"]})
    grown = {name: (size - slab_low.get(name, 0)) / added for name, size in slab_high.items()}
    grown = {name: size for name, size in grown.items() if size > 8}
    largest = sorted(grown, key=grown.get, reverse=True)
    yield rows.Row(kernel, sum(grown.values()), None, "B", 1,
                   note=", ".join(f"{name} {grown[name]:.0f}" for name in largest[:6]),
                   details={"caches": grown})
