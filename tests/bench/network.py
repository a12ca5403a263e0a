"""The benchmark's own network namespace: loopback raised, its counters read."""

import fcntl
import os
import socket
import struct

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def is_own():
    """Are we in another namespace than init, so that nobody else's packets are counted here?"""
    with open("/proc/net/dev", encoding="ascii") as devices:
        names = [line.split(":")[0].strip() for line in devices if ":" in line]
    return names == ["lo"] and os.readlink("/proc/self/ns/net") != _init_namespace()


def _init_namespace():
    try:
        return os.readlink("/proc/1/ns/net")
    except PermissionError:  # not root: then only `unshare -rn` brought us here
        return None


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def tcp_counters():
    """The line Tcp of /proc/net/snmp: OutSegs, RetransSegs and the like."""
    with open("/proc/net/snmp", encoding="ascii") as counters:
        names, values = [line.split()[1:] for line in counters if line.startswith("Tcp:")]
    return dict(zip(names, map(int, values)))
