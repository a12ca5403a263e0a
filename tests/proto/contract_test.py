"""The contract keeps what its stored form promises, and its style; and the checks can fail."""

import pathlib
import tempfile
import unittest

import contract
from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = pathlib.Path(__file__).resolve().parents[2]

GOOD = """// What it is.
syntax = "proto3";
package handshake.v1;
import "google/protobuf/duration.proto";
// Lamps.
service LampService {
  // One lamp.
  rpc GetLamp(GetLampRequest) returns (Lamp);
  // All lamps.
  rpc ListLamps(ListLampsRequest) returns (ListLampsResponse);
}
// Which.
message GetLampRequest {
  // From 1.
  int64 id = 1;
}
// Empty.
message ListLampsRequest {}
// All.
message ListLampsResponse {
  // One a lamp.
  repeated Lamp lamps = 1;
}
// One.
message Lamp {
  // How it glows.
  enum State {
    // Never answered.
    STATE_UNSPECIFIED = 0;
    // Light.
    STATE_ON = 1;
  }
  // How.
  State state = 1;
  // Since when.
  google.protobuf.Duration uptime = 2;
  // Of power.
  oneof source {
    // Cells.
    int64 cell_count = 3;
  }
}
"""


def compiled(text: str) -> FileDescriptorSet:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "handshake/v1/lamp.proto"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        return contract.compile_contract(pathlib.Path(folder))


def changed(before: str, after: str) -> FileDescriptorSet:
    assert before in GOOD, before
    return compiled(GOOD.replace(before, after))


class TheContract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.now = contract.compile_contract(ROOT / "proto")
        cls.stored = FileDescriptorSet.FromString((ROOT / "proto/handshake_v1.binpb").read_bytes())

    def test_keeps_what_is_stored(self):
        self.assertEqual(list(contract.broken_promises(self.stored, self.now)), [])

    def test_is_stored_whole(self):
        self.assertEqual(list(contract.unstored(self.stored, self.now)), [])

    def test_is_checked_at_all(self):
        elements = contract.promises(self.now)
        for element in [
            "method handshake.v1.ServerService.SwitchMode",
            "field handshake.v1.ModeSwitch = 16",
            "value handshake.v1.LoadRun.State = 4",
        ]:
            self.assertIn(element, elements)

    def test_keeps_the_style(self):
        self.assertEqual(list(contract.lint(self.now)), [])


class Compatibility(unittest.TestCase):
    stored = compiled(GOOD)

    def broken_by(self, before, after):
        return list(contract.broken_promises(self.stored, changed(before, after)))

    def test_breaking_changes(self):
        for before, after in [
            ("int64 id = 1", "int64 id = 2"),
            ("int64 id = 1", "int32 id = 1"),
            ("int64 id = 1", "repeated int64 id = 1"),
            ("int64 id = 1", "optional int64 id = 1"),
            ("int64 id = 1", "int64 number = 1"),
            ("int64 id = 1;", ""),
            ("State state = 1", "Lamp state = 1"),
            ("oneof source", "oneof origin"),
            ("STATE_ON = 1", "STATE_OFF = 1"),
            ("STATE_ON = 1", "STATE_ON = 2"),
            ("rpc GetLamp(GetLampRequest)", "rpc GetLamp(stream GetLampRequest)"),
            ("returns (Lamp)", "returns (ListLampsResponse)"),
            ("rpc GetLamp(", "rpc FetchLamp("),
            ("service LampService", "service Lamps"),
            ("ListLampsRequest", "AllLampsRequest"),
            ("State", "Glow"),
        ]:
            self.assertTrue(self.broken_by(before, after), f"{before} -> {after}")

    def test_additions_are_fine_but_must_be_stored(self):
        for before, after in [
            ("int64 id = 1;", "int64 id = 1;\n// It.\nstring name = 2;"),
            ("STATE_ON = 1;", "STATE_ON = 1;\n// Dark.\nSTATE_OFF = 2;"),
            ("// Empty.\n", "// New.\nmessage New {}\n// Empty.\n"),
        ]:
            present = changed(before, after)
            self.assertEqual(list(contract.broken_promises(self.stored, present)), [])
            self.assertEqual(len(list(contract.unstored(self.stored, present))), 1)

    def test_comments_and_order_do_not_matter(self):
        self.assertEqual(self.broken_by("// From 1.", "// From one."), [])


class Style(unittest.TestCase):
    def test_good(self):
        self.assertEqual(list(contract.lint(compiled(GOOD))), [])

    def test_bad(self):
        for before, after in [
            ("// What it is.\n", ""),
            ("  // From 1.\n", ""),
            ("// From 1.", "// From 1"),
            ("  // One lamp.\n", ""),
            ("    // Light.\n", ""),
            ("// Lamps.\n", ""),
            ("STATE_UNSPECIFIED", "STATE_UNKNOWN"),
            ("STATE_ON", "ON"),
            ("int64 id", "int64 lumens"),
            ("int64 id", "uint64 id"),
            ("int64 id", "float id"),
            ("int64 id", "string lampId"),
            ("Duration uptime", "Duration life"),
            ("service LampService", "service Lamp_"),
            ("GetLamp(GetLampRequest)", "GetLamp(Lamp)"),
            ("returns (ListLampsResponse)", "returns (Lamp)"),
        ]:
            self.assertEqual(len(list(contract.lint(changed(before, after)))), 1,
                             f"{before} -> {after}")


if __name__ == "__main__":
    unittest.main()
