"""handshake-server as a Unix process: how it starts, what it says, how it ends."""

import json
import os
import re
import resource
import signal
import socket
import unittest

from server_process import (MODES, Server, eventually, run, serving, start, teaching_handshake)


class Refusals(unittest.TestCase):
    """Each is one line on stderr and exit code 2."""

    def assert_refused(self, pattern, *arguments, **more):
        code, out, err = run(*arguments, **more)
        self.assertEqual(code, 2, err)
        self.assertEqual(out, "")
        self.assertEqual(err.count("\n"), 1, err)
        self.assertRegex(err, r"^handshake-server: ")
        self.assertRegex(err, pattern)

    def test_taken_data_port(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            self.assert_refused(f"127.0.0.1:{port}", "--listen", f"127.0.0.1:{port}",
                                "--control", "127.0.0.1:0")

    def test_data_port_of_another_server(self):
        with serving() as first:
            self.assert_refused(f":{first.data[1]}", "--listen", f"127.0.0.1:{first.data[1]}",
                                "--control", "127.0.0.1:0")

    def test_taken_control_port(self):
        with serving() as first:
            self.assert_refused("control address .* is taken", "--listen", "127.0.0.1:0",
                                "--control", first.control)

    def test_control_is_loopback_only(self):
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7001"]:
            self.assert_refused("not loopback", "--listen", "127.0.0.1:0", "--control", address)

    def test_unknown_mode(self):
        self.assert_refused("no mode 'forking'; there are sequential, .*, io-uring",
                            "--mode", "forking")

    def test_bad_flags_and_values(self):
        self.assert_refused("--bogus", "--bogus")
        self.assert_refused("--framing", "--framing", "xml")
        self.assert_refused("--listen", "--listen", "localhost")
        self.assert_refused("--control", "--control", "7001")
        self.assert_refused("--workers", "--workers", "many")
        self.assert_refused("max_threads", "--max-threads", "-1", "--listen", "127.0.0.1:0",
                            "--control", "127.0.0.1:0")
        self.assert_refused("--drain-timeout: 'soon' is not a duration", "--drain-timeout", "soon")
        self.assert_refused("--drain-timeout: at most 1m", "--drain-timeout", "61s")
        self.assert_refused("step_timeout", "--step-timeout", "0", "--listen", "127.0.0.1:0",
                            "--control", "127.0.0.1:0")
        self.assert_refused("no log level 'loud'", "--log-level", "loud")
        self.assert_refused("no log format 'xml'", "--log-format", "xml")

    def test_too_low_an_fd_limit(self):
        self.assert_refused(
            "limit on open files is 16: at least", "--listen", "127.0.0.1:0",
            "--control", "127.0.0.1:0",
            prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16)))

    def test_environment_is_checked_like_flags(self):
        self.assert_refused("no mode 'forking'",
                            environment={**os.environ, "HANDSHAKE_MODE": "forking"})


class Starting(unittest.TestCase):

    def test_version(self):
        code, out, err = run("--version")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^handshake-server \d+\.\d+\.\d+\n$")

    def test_help_names_every_environment_variable(self):
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        for flag in re.findall(r"^  --([a-z-]+) ", out, re.M):
            if flag != "version":
                self.assertIn(f"HANDSHAKE_{flag.upper().replace('-', '_')}", out)

    def test_environment_equivalents_and_precedence(self):
        environment = {**os.environ, "HANDSHAKE_MODE": "sequential", "HANDSHAKE_LOG_FORMAT": "json"}
        with serving(environment=environment) as server:
            self.assertEqual(server.mode, "sequential")
            self.assertRegex(server.stop()[1], r'^\{"time":')
        with serving("--mode", "thread-pool", environment=environment) as server:
            self.assertEqual(server.mode, "thread-pool")

    def test_several_addresses(self):
        environment = {**os.environ, "HANDSHAKE_LISTEN": "127.0.0.1:0,[::1]:0",
                       "HANDSHAKE_CONTROL": "127.0.0.1:0"}
        process = start(environment=environment)
        try:
            lines = [process.stdout.readline() for _ in range(4)]
            self.assertRegex(lines[0], r"^listening on 127\.0\.0\.1:\d+ \(handshake, auto\)$")
            self.assertRegex(lines[1], r"^listening on \[::1\]:\d+ \(handshake, auto\)$")
        finally:
            process.kill()
            process.communicate()

    def test_raises_its_fd_limit(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with serving() as server:
            self.assertRegex(server.stop()[1], f"file descriptor limit {hard}, was ")


class Ending(unittest.TestCase):

    def test_term_and_int_end_with_0(self):
        for sig in [signal.SIGTERM, signal.SIGINT]:
            with serving() as server:
                self.assertEqual(teaching_handshake(server.data, 1), "ok")
                self.assertEqual(server.stop(sig)[0], 0)

    def test_a_handshake_in_progress_may_finish(self):
        with serving("--drain-timeout", "20s") as server:
            with socket.create_connection(server.data, timeout=20) as peer:
                peer.sendall(b"HELLO 5\n")
                self.assertEqual(peer.recv(64), b"HELLO 6\n")
                server.process.send_signal(signal.SIGTERM)
                self.assertTrue(eventually(lambda: not connects(server.data)))
                peer.sendall(b"HELLO 7\n")
                self.assertEqual(peer.recv(64), b"")
            self.assertEqual(server.process.wait(timeout=20), 0)

    def test_a_silent_client_does_not_hold_it_beyond_the_drain_timeout(self):
        with serving("--drain-timeout", "100ms") as server:
            with socket.create_connection(server.data, timeout=20) as peer:
                peer.sendall(b"HELLO 5\n")
                self.assertEqual(peer.recv(64), b"HELLO 6\n")
                self.assertEqual(server.stop()[0], 0)

    def test_a_second_signal_ends_it_at_once(self):
        for sig, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            with serving("--drain-timeout", "60s", "--step-timeout", "60s",
                         "--handshake-timeout", "60s") as server:
                with socket.create_connection(server.data, timeout=20) as peer:
                    peer.sendall(b"HELLO 5\n")
                    self.assertEqual(peer.recv(64), b"HELLO 6\n")
                    server.process.send_signal(sig)
                    self.assertTrue(eventually(lambda: not connects(server.data)))
                    server.process.send_signal(sig)
                    self.assertEqual(server.process.wait(timeout=20), code)


def connects(address):
    try:
        with socket.create_connection(address, timeout=20):
            return True
    except OSError:
        return False


class Wire(unittest.TestCase):

    def test_the_log_names_the_peer_and_what_it_sent(self):
        with serving("--log-format", "json") as server:
            with socket.create_connection(server.data, timeout=20) as peer:
                peer.sendall(b"GET \x1b[31m\n")
                me = "%s:%d" % peer.getsockname()
                self.assertTrue(peer.recv(64).startswith(b"ERROR MALFORMED "))
                self.assertEqual(peer.recv(64), b"")
            _, log = server.stop()
        lines = [json.loads(line) for line in log.splitlines()]
        told = [line["message"] for line in lines if "MALFORMED" in line["message"]]
        self.assertEqual(len(told), 1)
        self.assertIn(f"from {me} in mode epoll, read \"GET \\x1b[31m\\n\"", told[0])

    def test_teaching_clients_in_every_mode(self):
        for mode in MODES:
            with serving("--mode", mode) as server:
                for number in [-1, 0, 100, 2**63 - 3]:
                    with self.subTest(mode=mode, number=number):
                        self.assertEqual(teaching_handshake(server.data, number), "ok")


if __name__ == "__main__":
    unittest.main()
