"""The control port as a stranger sees it: another gRPC implementation, none of our code."""

import socket
import unittest
from datetime import timedelta

import grpc

from reflection_client import Client
from server_process import eventually, serving, teaching_handshake

SERVER = "handshake.v1.ServerService"
LOAD = "handshake.v1.LoadService"
MODES = ["MODE_SEQUENTIAL", "MODE_THREAD_PER_CONNECTION", "MODE_THREAD_POOL", "MODE_EPOLL",
         "MODE_COROUTINE", "MODE_IO_URING"]


def engine_cpu(stats):
    return sum((m.engine_cpu_time.ToTimedelta() for m in stats.modes), timedelta())


class GrpcPeer(unittest.TestCase):

    def setUp(self):
        context = serving()
        self.server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        self.client = Client(self.server.control)
        self.addCleanup(self.client.close)
        self.client.learn(SERVER)
        self.client.learn(LOAD)
        self.mode = self.client.enum("handshake.v1.Mode")

    def test_reflection_and_health(self):
        self.assertLessEqual({SERVER, LOAD, "grpc.health.v1.Health"}, set(self.client.services()))
        for service in ["", SERVER, LOAD]:
            self.assertEqual(self.client.health(service), "SERVING")
        with self.assertRaises(grpc.RpcError) as unknown:
            self.client.health("no.such.Service")
        self.assertEqual(unknown.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_get_server_tells_where_it_listens(self):
        server = self.client.call(SERVER, "GetServer")
        self.assertEqual(list(server.listen_addresses), ["%s:%d" % self.server.data])
        self.assertEqual(server.process_id, self.server.process.pid)

    def test_switches_through_all_modes_and_counts_each_handshake(self):
        for generation, name in enumerate(MODES, start=2):
            made = self.client.call(SERVER, "SwitchMode", mode=self.mode[name],
                                    expected_generation=generation - 1)
            self.assertEqual(made.generation, generation)
            self.assertEqual(teaching_handshake(self.server.data, 41), "ok")

        def counts():
            stats = self.client.call(SERVER, "GetStats")
            return {m.mode: (m.accepted_count, m.completed_count) for m in stats.modes}
        self.assertTrue(eventually(lambda: counts() == {self.mode[m]: (1, 1) for m in MODES}),
                        counts())
        with self.assertRaises(grpc.RpcError) as late:
            self.client.call(SERVER, "SwitchMode", mode=self.mode["MODE_SEQUENTIAL"],
                             expected_generation=1)
        self.assertEqual(late.exception.code(), grpc.StatusCode.ABORTED)

    def test_watches_stats(self):
        stream = self.client.call(SERVER, "WatchStats", interval={"nanos": 100_000_000})
        first, second = next(stream), next(stream)
        self.assertGreaterEqual(second.sequence, first.sequence)
        stream.cancel()

    def test_a_load_run_from_start_to_end(self):
        run = self.client.call(LOAD, "CreateLoadRun", spec={
            "target": "%s:%d" % self.server.data, "concurrency": 4, "handshake_count": 400})
        states = list(self.client.call(LOAD, "WatchLoadRun", id=run.id))
        state = self.client.enum("handshake.v1.LoadRun.State")
        self.assertEqual(states[-1].state, state["STATE_SUCCEEDED"])
        self.assertEqual(states[-1].ok_count, 400)
        self.assertEqual(states[-1].left_out.ok_count, 1)

        def completed():
            stats = self.client.call(SERVER, "GetStats")
            return sum(m.completed_count for m in stats.modes)
        self.assertTrue(eventually(lambda: completed() == 401), completed())

    def test_load_goes_to_loopback_only(self):
        with self.assertRaises(grpc.RpcError) as refused:
            self.client.call(LOAD, "CreateLoadRun",
                             spec={"target": "192.0.2.1:7000", "handshake_count": 1})
        self.assertEqual(refused.exception.code(), grpc.StatusCode.PERMISSION_DENIED)

    def test_control_answers_when_descriptors_run_out(self):
        for mode in ["epoll", "thread-per-connection"]:
            with self.subTest(mode), serving("--mode", mode, fd_limit=160) as server:
                self.run_out_of_descriptors(server)

    def run_out_of_descriptors(self, server):
        def ask():
            """Over a connection of its own: the server needs a descriptor for each."""
            client = Client(server.control)
            try:
                client.learn(SERVER)
                return client.call(SERVER, "GetStats")
            finally:
                client.close()
        silent = [socket.create_connection(server.data) for _ in range(200)]
        # Some are in, the others wait: accepting has paused, and control answers all the same.
        self.assertTrue(eventually(lambda: 0 < ask().listeners[0].accept_queue_count < 200))
        first = ask()
        self.assertTrue(eventually(
            lambda: ask().uptime.ToTimedelta() - first.uptime.ToTimedelta() > timedelta(seconds=1)))
        last = ask()
        self.assertGreater(last.listeners[0].accept_queue_count, 0)
        cpu = (engine_cpu(last) - engine_cpu(first)) / (
            last.uptime.ToTimedelta() - first.uptime.ToTimedelta())
        self.assertLess(cpu, 0.1, "it spins while it cannot accept")

        for one in silent:
            one.close()
        self.assertEqual(teaching_handshake(server.data, 7), "ok")
        self.assertTrue(eventually(lambda: ask().listeners[0].accept_queue_count == 0))

    def test_stopping_cancels_runs_and_ends_streams(self):
        run = self.client.call(LOAD, "CreateLoadRun", detached=True, spec={
            "target": "%s:%d" % self.server.data, "duration": {"seconds": 60}})
        watch = self.client.call(LOAD, "WatchLoadRun", id=run.id)
        next(watch)
        stats = self.client.call(SERVER, "WatchStats")
        next(stats)
        self.server.process.terminate()
        last = list(watch)[-1]
        self.assertEqual(last.state_reason, "the process stopped")
        with self.assertRaises(grpc.RpcError) as ended:
            list(stats)
        self.assertEqual(ended.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(self.server.process.wait(timeout=20), 0)


if __name__ == "__main__":
    unittest.main()
