"""Rival: Python's asyncio, a Protocol a connection."""

import asyncio
import ctypes
import signal
import socket
import sys


class Handshake(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.x = None

    def data_received(self, text):
        try:
            x = int(text[6:-1]) if text[:6] == b"HELLO " and text[-1:] == b"\n" else None
        except ValueError:
            x = None
        if x is None or (self.x is not None and x != self.x + 2):
            self.transport.abort()
        elif self.x is None:
            self.x = x
            self.transport.write(b"HELLO %d\n" % (x + 1))
        else:
            self.transport.close()


def listen_on(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    listener.bind(("127.0.0.1", port))
    return listener


async def main(port):
    server = await asyncio.get_running_loop().create_server(
        Handshake, sock=listen_on(port), backlog=65535)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    asyncio.run(main(int(sys.argv[1])))
