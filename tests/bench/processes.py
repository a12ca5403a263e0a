"""Programs that the benchmark starts: each in a session of its own, ended whatever happens."""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import threading
import time

READY_SECONDS = 20
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec is no time for it


class Failure(Exception):
    """Something that makes a measurement impossible; the message is for the user."""


def _before(cpus, patient):
    def prepare():
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if cpus is not None:
            os.sched_setaffinity(0, cpus)
        if patient:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    return prepare


def start(command, log, cpus=None, environment=None, stdin=subprocess.DEVNULL, patient=False):
    """Starts `command` on `cpus` (all by default), its stdout a pipe, its stderr in the file `log`.
    A patient one that is woken waits its turn and interrupts nobody (SCHED_BATCH)."""
    with open(log, "ab") as errors:
        return subprocess.Popen(
            [str(word) for word in command], stdin=stdin, stdout=subprocess.PIPE, stderr=errors,
            text=True, start_new_session=True, preexec_fn=_before(cpus, patient),
            env={**os.environ, **(environment or {})})


def end(process, grace=5):
    """Asks it to end, then insists."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def await_line(process, start_of_line, what):
    """Reads its stdout up to the line that starts so; ends the process if that takes too long."""
    too_late = threading.Timer(READY_SECONDS, process.kill)
    too_late.start()
    try:
        for line in process.stdout:
            if line.startswith(start_of_line):
                return
    finally:
        too_late.cancel()
    raise Failure(f"{what} was not ready within {READY_SECONDS} s: code {process.wait()}")


def wait(seconds):
    """Lets time pass: what a measurement lasts, never what a condition needs."""
    select.select([], [], [], max(0, seconds))


def cpu_seconds(pid):
    """CPU time of a process, with all its threads, those that ended included."""
    return time.clock_gettime(~pid << 3 | 2)  # as clock_getcpuclockid() makes it
