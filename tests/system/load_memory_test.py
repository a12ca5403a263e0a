"""The load generator's memory does not grow with its run: 10,000/s, RSS twice a second.

    load_memory_test.py SERVER CLIENT

20 s; 10 minutes under HANDSHAKE_CAMPAIGN=1.
"""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from server_process import DEADLINE, die_with_parent, serving

CLIENT = sys.argv.pop(1)  # the binary: given by ctest
RATE = 10_000
SECONDS = 600 if os.environ.get("HANDSHAKE_CAMPAIGN") == "1" else 20
SAMPLE_SECONDS = 0.5
WARM_SAMPLES = 20  # 10 s: until every page that is needed has been touched
GROWTH = 0.01
SERIES_BYTES = 1024  # a second, up to half an hour: the point that the report has of it


def resident_bytes(pid):
    """Of a process; None once it has ended."""
    try:
        pages = pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE") or None  # a zombie has none


class LoadMemory(unittest.TestCase):

    def test_it_is_flat(self):
        with serving() as server:
            client = subprocess.Popen(
                [CLIENT, "load", f"127.0.0.1:{server.data[1]}", "--rate", str(RATE),
                 "--duration", f"{SECONDS}s", "-o", "json"],
                stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
            samples = []
            while True:
                try:
                    out, _ = client.communicate(timeout=SAMPLE_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    samples.append(resident_bytes(client.pid))
                if len(samples) > (SECONDS + DEADLINE) / SAMPLE_SECONDS:
                    client.kill()
        # The last one may be of the report, which is made once.
        steady = [sample for sample in samples if sample][WARM_SAMPLES:-1]
        self.assertGreater(len(steady), SECONDS / 2)
        run = json.loads(out)
        self.assertGreater(int(run["okCount"]), RATE)  # it was at work
        # It swings by the report that each second's look makes and drops: what grows lifts both the
        # troughs and the crests.
        first, second = steady[:len(steady) // 2], steady[len(steady) // 2:]
        before = min(first)
        growth = min(min(second) - before, max(second) - max(first))
        print(f"load memory: {run['plannedCount']} planned in {SECONDS} s, "
              f"{before / 2**20:.2f} MiB, {growth / 2**10:.0f} KiB more later", file=sys.stderr)
        self.assertLessEqual(growth, GROWTH * before + SERIES_BYTES * SECONDS, steady)


if __name__ == "__main__":
    unittest.main()
