"""A handshake-server of our own on free ports, and the raw handshake of a teaching client."""

import contextlib
import ctypes
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time

SERVER = sys.argv.pop(1)  # the binary: given by ctest
DEADLINE = 30  # seconds; whatever takes longer has failed
MODES = ["sequential", "thread-per-connection", "thread-pool", "epoll", "coroutine", "io-uring"]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def start(*arguments, environment=None, fd_limit=None):
    def before():
        die_with_parent()
        if fd_limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (fd_limit, fd_limit))
    return subprocess.Popen(
        [SERVER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, preexec_fn=before)


def run(*arguments, environment=None, prepare=None):
    """Runs it to its end: (exit code, stdout, stderr)."""
    def before():
        die_with_parent()
        if prepare:
            prepare()
    done = subprocess.run([SERVER, *arguments], capture_output=True, text=True, env=environment,
                          timeout=DEADLINE, preexec_fn=before)
    return done.returncode, done.stdout, done.stderr


class Server:
    """Started, and ready when the constructor returns."""

    def __init__(self, *arguments, **more):
        self.process = start("--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", *arguments,
                             **more)
        lines = []
        while not lines or not lines[-1].startswith("ready: "):
            lines.append(self.process.stdout.readline())  # "" if it ended
            if lines[-1] == "":
                raise RuntimeError(f"not ready: {self.process.communicate()[1]}")
        text = "".join(lines)
        self.lines = text
        self.data = parse_address(re.search(r"^listening on (\S+) ", text, re.M)[1])
        self.control = re.search(r"^control on (\S+)$", text, re.M)[1]
        self.mode = re.search(r"^ready: mode (\S+), pid \d+$", text, re.M)[1]

    def stop(self, sig=signal.SIGTERM):
        """(exit code, log)."""
        self.process.send_signal(sig)
        _, log = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, log


@contextlib.contextmanager
def serving(*arguments, **more):
    server = Server(*arguments, **more)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()


def parse_address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def eventually(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            return False
        select.select([], [], [], 0.01)
    return True


def teaching_handshake(address, number):
    """No terminators, reads of up to 64 bytes, as the widespread teaching clients do."""
    with socket.create_connection(address, timeout=DEADLINE) as peer:
        peer.sendall(f"HELLO {number}".encode())
        answer = peer.recv(64)
        if answer != f"HELLO {number + 1}".encode():
            return f"answered {answer!r}"
        peer.sendall(f"HELLO {number + 2}".encode())
        end = peer.recv(64)
        return "ok" if end == b"" else f"said {end!r} after the last message"
