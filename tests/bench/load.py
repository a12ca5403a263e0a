"""The load program, the same for every server: started, and its report read."""

import json
import subprocess
import time

import processes

LAST_WAIT_SECONDS = 10  # it waits 5 s for what is in progress


class Load:
    """One that runs against `server`. A context manager: ended at the end of the block."""

    def __init__(self, catalog, server, *flags, cpus=None, environment=None, orders=False):
        self._name = server.kind.name
        self.process = processes.start(
            [catalog.load(), "--port", server.port, "--server", server.pid, *flags],
            catalog.log, cpus, environment, subprocess.PIPE if orders else subprocess.DEVNULL)

    def order(self, text):
        """Says a line to a load that holds; returns the line it answers."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def report(self, within):
        """Its report, once it has ended by itself."""
        try:
            out, _ = self.process.communicate(timeout=within + LAST_WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            raise processes.Failure(f"the load on {self._name} did not end in time") from None
        if self.process.returncode != 0 or not out:
            raise processes.Failure(f"the load on {self._name} ended with code "
                                    f"{self.process.returncode}; see build/bench/servers.log")
        return Report(json.loads(out))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes.end(self.process)


class Report(dict):
    """What one load saw: the keys of load.c, and what follows from them."""

    @property
    def server_us(self):
        """Server CPU a handshake, microseconds."""
        return self["server_cpu_ns"] / 1e3 / max(1, self["handshakes"])

    @property
    def own_us(self):
        return self["own_cpu_ns"] / 1e3 / max(1, self["handshakes"])

    @property
    def failures(self):
        return self["failures"]

    @property
    def rate(self):
        return self["handshakes"] / self["seconds"]


def window(warm):
    """The flag for a window that begins `warm` seconds from now."""
    return ["--begin-at", str(time.monotonic_ns() + int(warm * 1e9))]


def run(catalog, server, *flags, seconds, warm=0.5, cpus=None, environment=None):
    """One load for `seconds` after `warm`; returns its Report."""
    with Load(catalog, server, *flags, "--seconds", seconds, *window(warm), cpus=cpus,
              environment=environment) as load:
        return load.report(warm + seconds)


def run_count(catalog, server, count, *flags, within=60, cpus=None, environment=None):
    """One load of exactly `count` handshakes."""
    with Load(catalog, server, *flags, "--count", count, cpus=cpus,
              environment=environment) as load:
        return load.report(within)
