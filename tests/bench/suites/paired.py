"""Server CPU a handshake, of two servers at once on one core.

Both servers and a load for each are pinned to the same CPU and run at the same time, so that
whatever disturbs one disturbs the other. The order in which they start is swapped from run to run;
the figure is the geometric mean of the ratios. The control pair is one server against itself.
"""

import contextlib

import load
import rows
import servers

NAME = "paired"
ABOUT = "server CPU a handshake, both servers and their clients on one core"
CONNECTIONS = 64
WARM = 0.7

# Ours, the other, the most that the ratio may be (None: reported).
PAIRS = [
    ("epoll", "C epoll", 1.15),
    ("io-uring", "C io_uring", 1.15),
    ("epoll", "Asio callbacks", 1.00),
    ("coroutine", "Asio coroutines", 1.00),
    ("io-uring", "Asio callbacks", 0.90),
    ("io-uring", "Go net", 0.62),
    ("io-uring", "Python asyncio", 0.14),
    ("thread-pool", "C pool, interruptible", 1.15),
    ("thread-per-connection", "C threads, interruptible", 1.15),
    ("thread-pool", "C pool, blocking", None),
    ("thread-per-connection", "C threads, blocking", None),
]
QUICKACK_GATE = 0.90


class Side:
    """One of the two: a server, and the environment of server and load."""

    def __init__(self, kind, environment=None):
        self.kind, self.environment = kind, environment


def measure_pair(bench, one, other, cpus):
    """Runs both at once; returns the Report of each, in the order given."""
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(
            bench.catalog.start(side.kind, cpus, side.environment)) for side in (one, other)]
        window = load.window(WARM)
        loads = [stack.enter_context(load.Load(
            bench.catalog, server, "--connections", CONNECTIONS, "--seconds", bench.seconds,
            "--first-source", 2 + index, *window, cpus=cpus,
            environment=side.environment))
            for index, (server, side) in enumerate(zip(started, (one, other)))]
        return [one_load.report(WARM + bench.seconds) for one_load in loads]


def measure(bench):
    catalog = bench.catalog
    yield control(bench, catalog.other("C epoll"))
    for mode, other, gate in PAIRS:
        if not (bench.wanted(mode) and bench.wanted(other)):
            continue
        yield compare(bench, f"{mode} / {other}", Side(catalog.ours(mode)),
                      Side(catalog.other(other)), gate)
    if bench.wanted("io-uring"):
        direct = catalog.ours("io-uring", "--io-uring-direct", "10000", name="io-uring, direct")
        yield compare(bench, "io-uring, direct descriptors / ordinary ones", Side(direct),
                      Side(catalog.ours("io-uring")), None)
    swallow = {"LD_PRELOAD": str(catalog.tool("no_quickack.so"))}
    for mode in filter(bench.wanted, servers.EVENT_MODES):
        # One gate, of the mode that is there in every build; the others are reported.
        yield compare(bench, f"{mode}, QUICKACK off / as the kernel has it",
                      Side(catalog.ours(mode)), Side(catalog.ours(mode), swallow),
                      QUICKACK_GATE if mode == "epoll" else None)
    # What the option does for a server that does nothing else: no mode of ours can gain more.
    floor = catalog.other("C epoll")
    yield compare(bench, "C epoll, QUICKACK off / as the kernel has it", Side(floor),
                  Side(floor, swallow), None)


def control(bench, kind):
    row = compare(bench, f"control: {kind.name} / itself", Side(kind), Side(kind), None)
    row.is_control = not row.missing
    return row


def compare(bench, what, one, other, gate, cpus=servers.ONE_CPU):
    why = bench.catalog.missing(one.kind) or bench.catalog.missing(other.kind)
    if why:
        return rows.missing_row(what, gate, why)
    ratios, ours, theirs, failures = [], [], [], 0
    for run in range(bench.runs):
        swapped = run % 2 == 1
        reports = measure_pair(bench, *((other, one) if swapped else (one, other)), cpus)
        mine, its = reversed(reports) if swapped else reports
        ratios.append(mine.server_us / its.server_us)
        ours.append(mine.server_us)
        theirs.append(its.server_us)
        failures += mine["failures"] + its["failures"]
        bench.progress(what, run)
    note = f"{failures} handshakes failed" if failures else ""
    return rows.ratio_row(what, ratios, gate, note=note, details={
        "ratios": ratios, "server_us": ours, "other_server_us": theirs, "failures": failures})
