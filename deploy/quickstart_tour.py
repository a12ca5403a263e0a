"""Drives a live server through every mode under load and prints what it measured.

The second half of quickstart.sh, which builds the binaries. Uses nothing but the project's own
programs: a server, an agent that spawns the load in a process of its own, and handshakectl, whose
JSON is all that is read here. Exit code 0: all went well and nothing was lost; 1 if not.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import time

READY_SECONDS = 20  # a server or agent must answer within this
STOP_SECONDS = 15  # and end within this once asked
SWITCH_LOAD_SECONDS = 3  # the load around each switch; covers the drain of 1 s
SILENT_CLIENTS = 8  # stop in mid-handshake before each switch, go on after it
WIDTH = 100


class Failure(Exception):
    """Something that makes the tour fail; the message is for the user."""


class Program:
    """A server or agent that we started, in a session of its own. Ends with stop()."""

    def __init__(self, command, log):
        self.log = log
        self.name = pathlib.Path(command[0]).name
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)

    def wait_for_line(self, pattern):
        """The first group of the first line that matches, once it is in the log."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            ended = self.process.poll() is not None
            text = self.log.read_text(errors="replace")
            match = re.search(pattern, text, re.MULTILINE)
            if match:
                return match.group(1)
            if ended or time.monotonic() > deadline:
                why = f"ended with code {self.process.returncode}" if ended else "is not ready"
                raise Failure(f"{self.name} {why}; its log, {self.log}, ends:\n{text[-2000:]}")
            time.sleep(0.02)

    def stop(self):
        """Asks it to end, as an operator would. A failure if it does not end well."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"{self.name} did not end within {STOP_SECONDS} s; see {self.log}")
        if code != 0:
            raise Failure(f"{self.name} ended with code {code}; see {self.log}")


class Ctl:
    """handshakectl against one endpoint."""

    def __init__(self, binary, endpoint):
        self.command = [str(binary), "--endpoint", endpoint]

    def start(self, *arguments):
        return subprocess.Popen([*self.command, *arguments, "-o", "json"], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process, timeout):
        """The last JSON document it printed, and its exit code."""
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failure(f"{' '.join(process.args)}: no answer within {timeout} s")
        document, decoder, rest = None, json.JSONDecoder(), out.lstrip()
        while rest:
            document, end = decoder.raw_decode(rest)
            rest = rest[end:].lstrip()
        if document is None:
            raise Failure(f"{' '.join(process.args)}: {err.strip() or 'no output'}")
        return document, process.returncode

    def __call__(self, *arguments):
        process = self.start(*arguments)
        document, code = self.finish(process, 30)
        if code != 0:
            raise Failure(f"{' '.join(process.args)}: exit code {code}")
        return document


class SilentClients:
    """Handshakes that pause past message 1 and go on later, in whichever mode serves then."""

    def __init__(self, address, count):
        host, port = address.rsplit(":", 1)
        self.pending = {}
        for sequence in range(1, count + 1):
            client = socket.create_connection((host.strip("[]"), int(port)), timeout=5)
            client.sendall(b"HELLO %d\n" % sequence)
            self.pending[client] = sequence
        # Until the server holds them; a mode with few places holds only some, the others queue.
        if not select.select(list(self.pending), [], [], 5)[0]:
            raise Failure("no silent client got an answer within 5 s")

    def finish(self):
        """Goes on with all of them. Returns how many ended well."""
        ok = 0
        for client, sequence in self.pending.items():
            with client, contextlib.suppress(OSError):
                if self.read(client, b"\n") != b"HELLO %d\n" % (sequence + 1):
                    continue
                client.sendall(b"HELLO %d\n" % (sequence + 2))
                ok += self.read(client, None) == b""
        return ok

    @staticmethod
    def read(client, end):
        data = b""
        while end is None or not data.endswith(end):
            more = client.recv(64)
            if not more:
                break
            data += more
        return data


def seconds(duration):
    """A protobuf JSON duration, "1.5s"."""
    return float(duration[:-1]) if duration else 0.0


def human_time(microseconds):
    """As people read it: 850 us, 2.03 ms, 1.20 s."""
    for unit, size in [("s", 1e6), ("ms", 1e3)]:
        if microseconds >= size:
            value = microseconds / size
            return f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}"
    return f"{microseconds:.0f} us"


class Tour:
    def __init__(self, options, server, agent, target):
        self.options, self.server, self.agent, self.target = options, server, agent, target
        self.names = {}  # of the modes, by their names in JSON
        self.rows = []
        self.switches = []
        self.client_ok = 0
        self.problems = []
        self.ledger = {}  # the server's counts at rest, all modes together

    def expect(self, condition, problem):
        if not condition:
            self.problems.append(problem)
            print(f"    FAILED: {problem}", flush=True)

    def run(self):
        listed = self.server("mode", "list")["modes"]
        self.names = {mode["mode"]: mode["name"] for mode in listed}
        for mode in listed:
            if not mode["available"]:
                print(f"==> {mode['name']} cannot run here: {mode['unavailableReason']}")
        modes = [mode["name"] for mode in listed if mode["available"]]
        # A circle: begins and ends in the mode that is in force, measures each, leaves each.
        start = next(index for index, mode in enumerate(modes) if self.is_active(listed, mode))
        circle = modes[start:] + modes[:start]
        for mode, following in zip(circle, circle[1:] + circle[:1]):
            self.measure(mode)
            if following != mode:
                self.switch(mode, following)
        self.rows.sort(key=lambda row: modes.index(row["mode"]))
        self.check_ledger()

    @staticmethod
    def is_active(listed, name):
        return any(mode["active"] and mode["name"] == name for mode in listed)

    def start_load(self, duration):
        return self.agent.start("load", "start", self.target, "--concurrency",
                                str(self.options.clients), "--duration", f"{duration}s")

    def finish_load(self, process, duration, what):
        run, code = self.agent.finish(process, duration + 30)
        # With the handshakes in front of it, which made sure of the target.
        self.client_ok += int(run["okCount"]) + int(run.get("leftOut", {}).get("okCount", 0))
        failed = int(run["failedCount"])
        reasons = ", ".join(f"{f['verdict']} {f['count']}" for f in run["failures"])
        self.expect(failed == 0, f"{what}: {failed} handshakes failed ({reasons})")
        self.expect(code == 0 or failed, f"{what}: the load run ended with exit code {code}: "
                                         f"{run['state']} {run['stateReason']}".rstrip())
        self.expect(int(run["okCount"]) > 0, f"{what}: no handshake was made")
        return run

    def stats(self, mode):
        """The snapshot now, and the part of it that is about one mode."""
        stats = self.server("stats")
        found = (part for part in stats["modes"] if self.names[part["mode"]] == mode)
        return stats, next(found, {"completedCount": "0", "engineCpuTime": "0s"})

    def measure(self, mode):
        duration = self.options.seconds
        print(f"==> {mode}: {self.options.clients} clients for {duration} s", flush=True)
        process = self.start_load(duration)
        # Between the first and the last sample the load is steady.
        samples = []
        begin = time.monotonic()
        for part in (0.25, 0.5, 0.75):
            time.sleep(max(0, begin + part * duration - time.monotonic()))
            samples.append(self.stats(mode))
        run = self.finish_load(process, duration, mode)
        (first, first_mode), (last, last_mode) = samples[0], samples[-1]
        done = int(last_mode["completedCount"]) - int(first_mode["completedCount"])
        elapsed = seconds(last["uptime"]) - seconds(first["uptime"])
        cpu = seconds(last_mode["engineCpuTime"]) - seconds(first_mode["engineCpuTime"])
        latency = run["handshake"]
        self.rows.append({
            "mode": mode,
            "rate": done / elapsed if elapsed > 0 else 0,
            "p50": human_time(int(latency["p50Us"])),
            "p99": human_time(int(latency["p99Us"])),
            "p99.9": human_time(int(latency["p999Us"])),
            "errors": int(run["failedCount"]),
            "cpu": cpu * 1e6 / done if done else 0,
            "rss": max(int(stats["process"]["residentBytes"]) for stats, _ in samples),
            "threads": max(int(stats["process"]["threadCount"]) for stats, _ in samples),
        })

    def switch(self, mode, following):
        print(f"==> {mode} to {following} under load, {SILENT_CLIENTS} clients silent in "
              "mid-handshake", flush=True)
        completed = int(self.stats(mode)[1]["completedCount"])
        process = self.start_load(SWITCH_LOAD_SECONDS)
        deadline = time.monotonic() + SWITCH_LOAD_SECONDS / 2
        while int(self.stats(mode)[1]["completedCount"]) == completed:
            if time.monotonic() > deadline:
                raise Failure(f"{mode}: the load did not begin")
        silent = SilentClients(self.target, SILENT_CLIENTS)
        change = self.server("mode", "set", following)
        deadline = time.monotonic() + 4
        while change["state"] != "STATE_COMPLETED" and time.monotonic() < deadline:
            time.sleep(0.1)
            change = self.server("mode", "show", change["id"])
        self.expect(change["state"] == "STATE_COMPLETED",
                    f"{mode} has not ended 4 s after the switch")
        ok = silent.finish()
        self.client_ok += ok
        self.expect(ok == SILENT_CLIENTS,
                    f"{SILENT_CLIENTS - ok} clients that were silent at the switch did not finish")
        self.finish_load(process, SWITCH_LOAD_SECONDS, f"{mode} to {following}")
        self.expect(int(change["lostCount"]) == 0, f"{mode} lost {change['lostCount']} connections")
        self.switches.append(change)

    def check_ledger(self):
        """What the clients counted is what the server counted."""
        deadline = time.monotonic() + 5
        while True:
            modes = self.server("stats")["modes"]
            total = {key: sum(int(mode[key]) for mode in modes) for key in
                     ("acceptedCount", "completedCount", "failedCount", "inFlightCount")}
            if total["inFlightCount"] == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        self.expect(total["completedCount"] == self.client_ok,
                    f"the clients count {self.client_ok:,} handshakes, "
                    f"the server {total['completedCount']:,}")
        self.expect(total["acceptedCount"] == total["completedCount"] + total["failedCount"],
                    f"the server's ledger does not add up: {total}")
        self.ledger = total

    def report(self):
        columns = [("mode", 23), ("handshakes/s", 13), ("p50", 9), ("p99", 9), ("p99.9", 9),
                   ("errors", 8), ("CPU us/hs", 11), ("RSS MiB", 9), ("threads", 9)]
        lines = ["", "".join(f"{title:<{width}}" if title == "mode" else f"{title:>{width}}"
                             for title, width in columns), "-" * sum(w for _, w in columns)]
        for row in self.rows:
            cells = [row["mode"], f"{row['rate']:,.0f}", row["p50"], row["p99"], row["p99.9"],
                     f"{row['errors']:,}", f"{row['cpu']:.1f}", f"{row['rss'] / 2**20:.1f}",
                     f"{row['threads']:,}"]
            lines.append("".join(f"{cell:<{width}}" if title == "mode" else f"{cell:>{width}}"
                                 for cell, (title, width) in zip(cells, columns)))
        lines += ["", f"{'switch under load':<42}{'switch time':>13}{'finished in':>15}"
                      f"{'handed':>10}{'lost':>10}",
                  f"{'':<42}{'':>13}{'the old mode':>15}{'over':>10}{'':>10}",
                  "-" * 90]
        for change in self.switches:
            way = f"{self.names[change['from']]} -> {self.names[change['to']]}"
            finished = int(change["finishedCount"]) + int(change["failedCount"])
            lines.append(f"{way:<42}{human_time(seconds(change['switchTime']) * 1e6):>13}"
                         f"{finished:>15,}{int(change['handedOverCount']):>10,}"
                         f"{int(change['lostCount']):>10,}")
        lines += [
            "",
            f"{self.options.clients} clients in a closed loop, a new connection for each "
            "handshake; server and clients share",
            f"the {os.cpu_count()} CPUs of this machine. p50 to p99.9: the whole handshake, as the "
            "client saw it. CPU us/hs:",
            "CPU time of the mode's threads for one handshake. RSS, threads: the whole server, "
            "under load.",
            f"Counted by the clients: {self.client_ok:,} handshakes; by the server: "
            f"{self.ledger['completedCount']:,}.",
        ]
        assert all(len(line) <= WIDTH for line in lines), "the table is too wide"
        print("\n".join(line.rstrip() for line in lines), flush=True)


def tell_how_to_reach(options, control, agent_control, target, programs):
    ctl = options.bin / "handshakectl"
    print(f"""
Still running:
  {ctl} --endpoint {control} status
  {ctl} --endpoint {control} stats --watch
  {ctl} --endpoint {control} mode set thread-pool
  {ctl} --endpoint {agent_control} load start {target} --concurrency 64 --duration 10s
  {options.bin / 'handshake-client'} connect {target}
Logs: {' '.join(str(program.log) for program in programs)}
To end both: kill {' '.join(str(program.process.pid) for program in programs)}""", flush=True)


def take_tour(options, programs):
    folder = pathlib.Path("build/quickstart") / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    server = Program([options.bin / "handshake-server", "--listen", "127.0.0.1:0",
                      "--control", "127.0.0.1:0"], folder / "server.log")
    programs.append(server)
    agent = Program([options.bin / "handshake-client", "agent", "--control", "127.0.0.1:0"],
                    folder / "agent.log")
    programs.append(agent)
    target = server.wait_for_line(r"^listening on (\S+)")
    control = server.wait_for_line(r"^control on (\S+)")
    server.wait_for_line(r"^(ready)")
    agent_control = agent.wait_for_line(r"^control on (\S+)")
    print(f"==> server on {target}, its control on {control}; load agent on {agent_control}",
          flush=True)
    ctl = options.bin / "handshakectl"
    tour = Tour(options, Ctl(ctl, control), Ctl(ctl, agent_control), target)
    tour.run()
    tour.report()
    if options.keep:
        tell_how_to_reach(options, control, agent_control, target, programs)
        programs.clear()
    return tour.problems


def main():
    parser = argparse.ArgumentParser(description="The second half of quickstart.sh; see there.")
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.bin = pathlib.Path(os.path.relpath(options.bin))

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    programs, problems = [], []
    try:
        problems += take_tour(options, programs)
    except Failure as failure:
        problems.append(str(failure))
    except KeyboardInterrupt:
        problems.append("interrupted")
    finally:
        for program in programs:
            try:
                program.stop()
            except Failure as failure:
                problems.append(str(failure))
    print()
    for problem in problems:
        print(f"quickstart: {problem}", file=sys.stderr)
    print("quickstart: FAILED" if problems else "quickstart: all went well, nothing was lost")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
