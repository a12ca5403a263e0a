"""The server's control port as the benchmark uses it: gRPC, the messages generated on the spot."""

import importlib
import os
import pathlib
import shutil
import subprocess
import sys

import processes

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
SERVICE = "/handshake.v1.ServerService/"
DEADLINE = 30  # seconds
# We fork only to run other programs, and gRPC's preparations for a fork can wait for ever.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"


def missing():
    """Why there is no gRPC here; None if there is."""
    if shutil.which("protoc") is None:
        return "protoc is not here: protobuf-compiler"
    try:
        importlib.import_module("grpc")
        importlib.import_module("google.protobuf")
    except ImportError as error:
        return f"{error}: python3-grpcio, python3-protobuf"
    return None


def messages(scratch):
    """The module of ServerService's messages."""
    folder = pathlib.Path(scratch) / "proto"
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("handshake/v1/*.proto"))
    made = subprocess.run(["protoc", f"-I{PROTO}", f"--python_out={folder}", *files],
                          capture_output=True, text=True, timeout=60)
    if made.returncode != 0:
        raise processes.Failure(f"protoc: {made.stderr.strip()}")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module("handshake.v1.server_service_pb2")


class Operator:
    """One channel to one server. A context manager."""

    def __init__(self, catalog, server):
        import grpc
        self.types = messages(catalog.scratch)
        self._channel = grpc.insecure_channel(f"127.0.0.1:{server.control_port}",
                                              [("grpc.enable_http_proxy", 0)])
        self._numbers = {mode.name: mode.mode
                         for mode in self._call("ListModes", "ListModesResponse").modes}

    def _call(self, method, answer, **fields):
        call = self._channel.unary_unary(
            SERVICE + method,
            request_serializer=getattr(self.types, method + "Request").SerializeToString,
            response_deserializer=getattr(self.types, answer).FromString)
        return call(getattr(self.types, method + "Request")(**fields), timeout=DEADLINE)

    def stats(self):
        return self._call("GetStats", "Stats")

    def switch(self, mode):
        return self._call("SwitchMode", "ModeSwitch", mode=self._numbers[mode])

    def switches(self):
        """The last 1,000, newest first."""
        return self._call("ListModeSwitches", "ListModeSwitchesResponse",
                          page_size=1_000).mode_switches

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._channel.close()


def seconds(duration):
    return duration.seconds + duration.nanos / 1e9
