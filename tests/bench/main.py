"""Runs the suites, prints a table for each and writes what was measured as JSON.

Started by run.sh, inside a network namespace of its own.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import all_suites
import network
import processes
import rows
import servers
import table

EXIT_OK, EXIT_MISSED, EXIT_USAGE, EXIT_VOID = 0, 1, 2, 3


class Bench:
    """What a suite gets: the servers, how long and how often to measure, how far it is."""

    SMOKE = {"epoll", "C epoll"}  # what a smoke run measures: enough to see that nothing is broken

    def __init__(self, catalog, quick=False, smoke=False):
        self.catalog = catalog
        self.quick = quick or smoke
        self.runs = 1 if smoke else 2 if quick else 4  # of a pair
        self.seconds = 0.3 if smoke else 1 if quick else 2  # of a window
        self.count = 1_000 if smoke else 10_000 if quick else 50_000  # handshakes, where counted
        self.scale = 0.2 if self.quick else 1.0  # of everything else
        self._smoke = smoke

    def wanted(self, name):
        """Is this server to be measured in this run?"""
        return not self._smoke or name in self.SMOKE

    def progress(self, what, run=None):
        if sys.stderr.isatty():
            text = what if run is None else f"{what}, run {run + 1}"
            print(f"\r\033[K  {text[:90]}", end="", file=sys.stderr, flush=True)


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": cpu, "cpus": os.cpu_count(), "kernel": platform.release(),
            "memory_gib": round(memory / 2**30, 1),
            "load_average_at_start": os.getloadavg()[0]}


def choose(names):
    by_name = {suite.NAME: suite for suite in all_suites.ALL}
    return [by_name[name] for name in by_name if not names or name in names]


def run_suite(bench, suite):
    """All rows of a suite; what went wrong in it is a row too."""
    found = []
    try:
        for row in suite.measure(bench):
            found.append(row)
    except processes.Failure as failure:
        found.append(rows.missing_row(f"{suite.NAME} broke off", 0, str(failure)))
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return found


def verdict(results):
    all_rows = [row for suite_rows in results.values() for row in suite_rows]
    verdicts = [row.verdict() for row in all_rows]
    missing_gates = [row for row in all_rows if row.missing and row.gate is not None]
    counts = {name: verdicts.count(name) for name in (rows.OK, rows.MISSED, rows.MISSING)}
    print("\n{ok} ok, {MISSED} missed, {missing} missing".format(**counts))
    if rows.VOID in verdicts:
        print("VOID: the control pair left its range; the ratios of this run mean nothing.\n"
              "Run it again when the machine is quiet.")
        return EXIT_VOID
    return EXIT_MISSED if counts[rows.MISSED] or missing_gates else EXIT_OK


def write_json(path, bench, results, code, began):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "quick": bench.quick,
        "exit_code": code,
        "machine": machine(),
        "suites": {name: [row.to_json() for row in found] for name, found in results.items()},
    }, indent=1) + "\n")
    print(f"written to {path}")


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh")
    parser.add_argument("suites", nargs="*")
    parser.add_argument("--bin", required=True)
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("build/bench"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--smoke", action="store_true")  # for the test of the benchmark itself
    arguments = parser.parse_args()
    unknown = set(arguments.suites) - {suite.NAME for suite in all_suites.ALL}
    if unknown:
        print(f"run.sh: no suite {', '.join(sorted(unknown))}; see tests/bench/run.sh --list",
              file=sys.stderr)
        return EXIT_USAGE
    if not network.is_own():
        print("bench: not in a network namespace of its own; start it with tests/bench/run.sh",
              file=sys.stderr)
        return EXIT_USAGE
    network.raise_loopback()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what we started is ended
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    (arguments.scratch / "servers.log").write_text("")

    bench = Bench(servers.Catalog(arguments.bin, arguments.scratch), arguments.quick,
                  arguments.smoke)
    began, results = time.monotonic(), {}
    for suite in choose(arguments.suites):
        results[suite.NAME] = run_suite(bench, suite)
        table.print_table(suite.NAME, suite.ABOUT, results[suite.NAME])
    code = verdict(results)
    name = arguments.suites[0] if len(arguments.suites) == 1 else "all"
    write_json(arguments.output or arguments.scratch / f"{name}.json", bench, results, code, began)
    return code


if __name__ == "__main__":
    sys.exit(main())
