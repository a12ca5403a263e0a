"""The protocol alone, without sockets: Google Benchmark's figures."""

import json
import subprocess

import processes
import rows

NAME = "parser"
ABOUT = "one message, one whole server session, without sockets"


def measure(bench):
    program = bench.catalog.tool("bench-parser")
    if program is None:
        yield rows.missing_row("parser", None, "bench-parser could not be built: libbenchmark-dev")
        return
    repeats = 3 if bench.quick else 9
    done = subprocess.run(
        [program, "--benchmark_format=json", f"--benchmark_repetitions={repeats}",
         "--benchmark_min_time=0.05", "--benchmark_report_aggregates_only=true"],
        capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise processes.Failure(f"bench-parser: {done.stderr[-300:]}")
    for figure in json.loads(done.stdout)["benchmarks"]:
        if figure["aggregate_name"] == "median":
            yield rows.Row(figure["run_name"].removeprefix("BM_"), figure["cpu_time"], None, "ns",
                           repeats)
