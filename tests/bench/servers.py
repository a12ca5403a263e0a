"""Every server that is measured: ours in each mode, the frozen floors, the rivals.

A server is a name and the command that serves on a port; `Server` is one that runs.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

import processes

HERE = pathlib.Path(__file__).resolve().parent
MODES = ["sequential", "thread-per-connection", "thread-pool", "epoll", "coroutine", "io-uring"]
EVENT_MODES = ["epoll", "coroutine", "io-uring"]
POOL_THREADS = 16  # of our pool and of the floor's
CONTROL_PORT_OFFSET = 1000
ONE_CPU = {min(os.sched_getaffinity(0))}  # where those go that share one


class Kind(NamedTuple):
    """How to start a server."""

    name: str
    command: list  # PORT stands for the port
    ours: bool = False

    def program(self):
        return self.command[0]


class Catalog:
    """What can be measured here, and why the rest cannot."""

    def __init__(self, bin_folder, scratch):
        self.bin = pathlib.Path(bin_folder)
        self.scratch = pathlib.Path(scratch)
        self.log = self.scratch / "servers.log"
        self._port = 7000
        self._modes = None

    def tool(self, name):
        """A program of the benchmark's own, or None if it was not built."""
        path = self.bin / "bench" / name
        return path if path.exists() else None

    def load(self):
        return self.tool("bench-load") or self._fail("bench-load was not built")

    @staticmethod
    def _fail(why):
        raise processes.Failure(why)

    def ours(self, mode, *flags, name=None):
        return Kind(name or mode, [
            self.bin / "handshake-server", "--listen", "127.0.0.1:PORT",
            "--control", "127.0.0.1:CONTROL", "--mode", mode,
            "--pool-threads", str(POOL_THREADS), *flags], ours=True)

    def other(self, name):
        """A floor or a rival by name: 'C epoll', 'Asio callbacks', 'Go net'."""
        folder = self.bin / "bench"
        commands = {
            "C epoll": [folder / "floor-epoll", "PORT"],
            "C io_uring": [folder / "floor-io-uring", "PORT"],
            "C pool, interruptible": [folder / "floor-pool", "PORT", "interruptible"],
            "C pool, blocking": [folder / "floor-pool", "PORT"],
            "C threads, interruptible": [folder / "floor-threads", "PORT", "interruptible"],
            "C threads, blocking": [folder / "floor-threads", "PORT"],
            "Asio callbacks": [folder / "rival-asio-callbacks", "PORT"],
            "Asio coroutines": [folder / "rival-asio-coroutines", "PORT"],
            "Go net": [folder / "rival-go", "PORT"],
            "Python asyncio": [sys.executable, HERE / "rivals" / "python_asyncio.py", "PORT"],
        }
        return Kind(name, commands[name])

    def modes(self):
        """What the server under test says of its modes: {name: {available, reason, at once}}."""
        if self._modes is None:
            with self.start(self.ours("epoll")) as server:
                listed = server.ctl("mode", "list")["modes"]
            self._modes = {mode["name"]: mode for mode in listed}
        return self._modes

    def missing(self, kind):
        """Why `kind` cannot be measured here; None if it can."""
        if kind.ours:
            mode = kind.command[kind.command.index("--mode") + 1]
            known = self.modes().get(mode)
            if known is None:
                return f"the server has no mode {mode}"
            return None if known.get("available") else known.get("unavailableReason", "unavailable")
        if shutil.which(str(kind.program())) is None:
            return f"{pathlib.Path(kind.program()).name} could not be built"
        return None

    def start(self, kind, cpus=None, environment=None, patient=False):
        self._port += 1
        port, control = self._port, self._port + CONTROL_PORT_OFFSET
        command = [re.sub("PORT$", str(port), str(word)) for word in kind.command]
        command = [word.replace("CONTROL", str(control)) for word in command]
        return Server(self, kind, command, port, control, cpus, environment, patient)


class Server:
    """One that runs. A context manager: ended at the end of the block."""

    def __init__(self, catalog, kind, command, port, control, cpus, environment, patient):
        self.kind, self.port, self.control_port = kind, port, control
        self._ctl = catalog.bin / "handshakectl"
        self.process = processes.start(command, catalog.log, cpus, environment,
                                       patient=patient)
        try:
            processes.await_line(self.process, "ready", f"{kind.name} ({command[0]})")
        except processes.Failure:
            processes.end(self.process)
            raise

    @property
    def pid(self):
        return self.process.pid

    def ctl(self, *arguments):
        """What handshakectl answers, as JSON."""
        done = subprocess.run(
            [self._ctl, "--endpoint", f"127.0.0.1:{self.control_port}", *arguments, "-o", "json"],
            capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise processes.Failure(f"handshakectl {' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes.end(self.process)
