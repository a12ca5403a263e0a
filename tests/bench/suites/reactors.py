"""Two reactors, each pinned to a core, against one: CPU a handshake on all cores, and its control.

On two cores the load takes its half of both, so this says what a second reactor costs, not what it
brings; it is reported without a gate.
"""

import os
import subprocess

import rows
from suites import paired

NAME = "reactors"
ABOUT = "two pinned reactors / one: server CPU a handshake, all cores"
MODES = ["epoll", "coroutine", "io-uring"]


def measure(bench):
    catalog = bench.catalog
    cpus = os.sched_getaffinity(0)
    pair = ",".join(map(str, sorted(cpus)[:2]))
    why = "one CPU is not enough" if len(cpus) < 2 else missing_flag(catalog)
    one = catalog.ours("epoll", "--workers", "1")
    row = paired.compare(bench, "control: epoll, one reactor / itself", paired.Side(one),
                         paired.Side(one), None, cpus)
    # Two cores are noisier than one: it is reported beside the ratios, and voids nothing.
    yield row
    for mode in MODES:
        what = f"{mode}, two / one"
        if why:
            yield rows.missing_row(what, None, why)
            continue
        two = catalog.ours(mode, "--workers", "2", "--cpus", pair, name=f"{mode} two")
        yield paired.compare(bench, what, paired.Side(two),
                             paired.Side(catalog.ours(mode, "--workers", "1")), None, cpus)


def missing_flag(catalog):
    known = subprocess.run([catalog.bin / "handshake-server", "--help"], capture_output=True,
                           text=True, timeout=30, check=True).stdout
    return None if "--cpus" in known else "the server has no --cpus"
