"""Counts of what a process does: its system calls, its heap allocations."""

import contextlib
import mmap
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import time

import processes

TRACING = pathlib.Path("/sys/kernel/tracing")


class Allocations:
    """The counter of preload/count_allocations.c."""

    def __init__(self, catalog):
        self._path = catalog.scratch / "allocations"
        self._path.write_bytes(bytes(mmap.PAGESIZE))
        self.environment = {"LD_PRELOAD": str(catalog.tool("count_allocations.so")),
                            "HANDSHAKE_BENCH_COUNTER": str(self._path)}

    def read(self):
        return struct.unpack_from("Q", self._path.read_bytes())[0]


def syscall_counter():
    """The way to count system calls that works here: a function of a pid that gives a context
    manager of a function to read the count after the block; None if there is none."""
    if shutil.which("perf") and (TRACING / "events" / "raw_syscalls").exists():
        return _PerfCounter
    return _StraceCounter if shutil.which("strace") else None


class _PerfCounter:
    """Tracepoints: exact, and the process hardly slower."""

    NAME = "perf"

    def __init__(self, catalog, pid):
        self._out = catalog.scratch / "perf.txt"
        self._command = ["perf", "stat", "-x", ";", "-o", self._out, "-e", "raw_syscalls:sys_enter",
                         "-p", pid]
        self._log = catalog.log

    def __enter__(self):
        self._out.unlink(missing_ok=True)
        self._process = processes.start(self._command, self._log)
        deadline = time.monotonic() + processes.READY_SECONDS
        # It makes its file once it counts.
        while not self._out.exists() and time.monotonic() < deadline:
            processes.wait(0.02)
        processes.wait(0.3)
        return self

    def __exit__(self, *_):
        _interrupt(self._process)
        text = self._out.read_text() if self._out.exists() else ""
        match = re.search(r"^(\d+);[^\n]*sys_enter", text, re.MULTILINE)
        self.count = int(match[1]) if match else None


class _StraceCounter:
    """Exact too, but the process is many times slower."""

    NAME = "strace"

    def __init__(self, catalog, pid):
        self._out = catalog.scratch / "strace.txt"
        self._command = ["strace", "-c", "-f", "-q", "-o", self._out, "-p", pid]
        self._log = catalog.log

    def __enter__(self):
        self._process = processes.start(self._command, self._log)
        processes.wait(1)
        return self

    def __exit__(self, *_):
        _interrupt(self._process)
        match = re.search(r"^100\.00\s+\S+\s+\S+\s+(\d+)\s.*total", self._out.read_text(),
                          re.MULTILINE)
        self.count = int(match[1]) if match else None


def _interrupt(process):
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    processes.end(process)
