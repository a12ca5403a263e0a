"""Open loop at a fixed rate, Poisson: p99 against Go's in the same minute.

Latency counts from the moment a handshake should have begun, so a server that makes its clients
wait cannot hide it. Each round runs all servers one after the other, with the same arrivals, in an
order that turns from round to round; the figure is the median of the rounds' ratios: a stall of the
machine for 30 ms is all of a run's p99.
"""

import load
import rows

NAME = "open"
ABOUT = "open loop, p99 against Go's in the same minute"
RATES = [8_000, 20_000]
GATES = {"epoll": 0.6, "io-uring": 0.75, "coroutine": None}
RIVAL = "Go net"
MOST_CONNECTIONS = 15_000
ROUNDS = 9
SECONDS = 3


def measure(bench):
    rival = bench.catalog.other(RIVAL)
    why = bench.catalog.missing(rival)
    for rate in RATES:
        kinds = {mode: bench.catalog.ours(mode) for mode in GATES}
        missing = {mode: why or bench.catalog.missing(kind) for mode, kind in kinds.items()}
        there = [kind for mode, kind in kinds.items() if not missing[mode]]
        reports = run_rounds(bench, [rival, *there], rate) if there else {}
        for mode, gate in GATES.items():
            what = f"{rate:,}/s, {mode} / {RIVAL}"
            if missing[mode]:
                yield rows.missing_row(what, gate, missing[mode])
            else:
                yield compare(what, reports[mode], reports[RIVAL], gate)


def run_rounds(bench, kinds, rate):
    reports = {kind.name: [] for kind in kinds}
    for turn in range(2 if bench.quick else ROUNDS):
        for kind in kinds[turn % len(kinds):] + kinds[:turn % len(kinds)]:
            with bench.catalog.start(kind) as server:
                reports[kind.name].append(load.run(
                    bench.catalog, server, "--rate", rate, "--connections", MOST_CONNECTIONS,
                    seconds=max(1, SECONDS * bench.scale)))
            bench.progress(f"{rate:,}/s, {kind.name}", turn)
    return reports


def compare(what, mine, its, gate):
    def middle(reports, key):
        return sorted(report[key] for report in reports)[len(reports) // 2]
    note = (f"p50 / p99 / p99.9: {middle(mine, 'p50_us'):,.0f} / {middle(mine, 'p99_us'):,.0f} / "
            f"{middle(mine, 'p999_us'):,.0f} us; Go {middle(its, 'p50_us'):,.0f} / "
            f"{middle(its, 'p99_us'):,.0f} / {middle(its, 'p999_us'):,.0f} us")
    failures = sum(report["failures"] for report in mine)
    if failures:  # a percentile of the others would flatter
        return rows.missing_row(what, gate, f"{failures:,} failed: more than this machine serves")
    if not all(report["p99_us"] for report in mine + its):
        return rows.missing_row(what, gate, "a run completed nothing: the machine is overloaded")
    ratios = [one["p99_us"] / other["p99_us"] for one, other in zip(mine, its)]
    return rows.median_ratio_row(what, ratios, gate, note=note, details={
        "ratios": ratios, "reports": mine, "rival_reports": its})
