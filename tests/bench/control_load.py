"""The control plane's load: GetStats at a rate, and streams of WatchStats, until SIGTERM.

    control_load.py ENDPOINT CALLS_PER_SECOND WATCHERS INTERVAL_MS

Says "ready" once every stream has had its first message or was refused, and at the end one line of
JSON. Messages are not decoded: what the server does for them is measured, not what we do.
"""

import asyncio
import contextlib
import ctypes
import json
import signal
import sys

import grpc.aio

SERVICE = "/handshake.v1.ServerService/"
STREAMS_PER_CONNECTION = 25  # the server allows 32


def watch_request(interval_ms):
    """WatchStatsRequest{interval}, by hand: field 1 is a Duration, its field 2 the nanoseconds."""
    nanos, encoded = interval_ms * 1_000_000, bytearray()
    while nanos > 0x7f:
        encoded.append(nanos & 0x7f | 0x80)
        nanos >>= 7
    encoded.append(nanos)
    return bytes([0x0a, len(encoded) + 1, 0x10]) + bytes(encoded)


class Counts:
    def __init__(self):
        self.calls = self.messages = self.failed_calls = self.refused_streams = 0
        self.failures = []


async def call_at(channel, rate, counts):
    get_stats = channel.unary_unary(SERVICE + "GetStats")
    loop = asyncio.get_running_loop()
    pending, due = set(), loop.time()
    while True:
        async def one():
            try:
                await get_stats(b"", timeout=5)
                counts.calls += 1
            except grpc.aio.AioRpcError as error:
                counts.failed_calls += 1
                counts.failures.append(str(error.code()))
        task = asyncio.create_task(one())
        pending.add(task)
        task.add_done_callback(pending.discard)
        due += 1 / rate
        await asyncio.sleep(max(0, due - loop.time()))  # NOLINT(sleep): sets the pace


async def watch(channel, request, counts, first):
    stream = channel.unary_stream(SERVICE + "WatchStats")(request)
    try:
        async for _ in stream:
            counts.messages += 1
            first.set()
    except grpc.aio.AioRpcError as error:
        counts.refused_streams += 1
        counts.failures.append(str(error.code()))
    first.set()


async def main(endpoint, rate, watchers, interval_ms):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    counts, firsts = Counts(), [asyncio.Event() for _ in range(watchers)]
    async with contextlib.AsyncExitStack() as stack:
        async def channel():
            return await stack.enter_async_context(grpc.aio.insecure_channel(endpoint, [
                ("grpc.enable_http_proxy", 0),
                ("grpc.use_local_subchannel_pool", 1)]))  # a connection of its own
        request, tasks = watch_request(interval_ms), []
        for number, first in enumerate(firsts):
            if number % STREAMS_PER_CONNECTION == 0:
                watched = await channel()
            tasks.append(asyncio.create_task(watch(watched, request, counts, first)))
        tasks.append(asyncio.create_task(call_at(await channel(), rate, counts)))
        await asyncio.gather(*(first.wait() for first in firsts))
        print("ready", flush=True)
        await stop.wait()
        result = {"calls": counts.calls, "messages": counts.messages,
                  "failed_calls": counts.failed_calls, "refused_streams": counts.refused_streams,
                  "failures": sorted(set(counts.failures))}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:5])))
