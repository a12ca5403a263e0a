"""Shows that every rule of tidy.py can fail, and that it lets good files pass."""

import pathlib
import tempfile
import unittest

import tidy
from tidy import File


def messages(rule, path, text, *more):
    return [finding.message for finding in rule(File(path, text), *more)]


class IncludeDirection(unittest.TestCase):
    def check(self, path, header, brackets='""'):
        text = f"#include {brackets[0]}{header}{brackets[1]}\n"
        return messages(tidy.include_direction, path, text)

    def test_down_is_allowed(self):
        for path, header in [
            ("server/door/door.h", "common/wire/session.h"),
            ("server/engines/epoll.cc", "server/door/door.h"),
            ("server/data_plane.cc", "server/engines/epoll.h"),
            ("client/load_run.cc", "common/net/reactor.h"),
            ("control/services/server_service.cc", "server/data_plane.h"),
            ("control/services/server_service.cc", "server/door/mode.h"),
            ("control/services/load_service.cc", "client/load_run.h"),
            ("control/services/server_service.cc", "handshake/v1/server_service.grpc.pb.h"),
            ("control/ctl/mode_command.cc", "control/report/table.h"),
            ("server/main.cc", "control/services/server_service.h"),
            ("client/command_agent.cc", "control/services/load_service.h"),
            ("client/commands.h", "control/report/interrupts.h"),
            ("tests/server/data_plane_test.cc", "client/load_run.h"),
            ("tests/control/ctl/ctl_test.cc", "server/data_plane.h"),
        ]:
            self.assertEqual(self.check(path, header), [], f"{path} includes {header}")

    def test_up_and_sideways_are_refused(self):
        for path, header in [
            ("common/wire/message.cc", "common/net/address.h"),
            ("common/net/reactor.h", "server/door/door.h"),
            ("server/door/door.cc", "server/engines/engine.h"),
            ("server/engines/engine.h", "server/data_plane.h"),
            ("server/data_plane.cc", "client/load_run.h"),
            ("client/load_run.cc", "server/data_plane.h"),
            ("server/data_plane.cc", "control/rpc/host.h"),
            ("server/data_plane.cc", "handshake/v1/types.pb.h"),
            ("control/rpc/host.h", "control/auth/authorize.h"),
            ("control/report/table.h", "server/snapshot.h"),
            ("control/services/server_service.cc", "server/door/door.h"),
            ("control/services/server_service.cc", "server/engines/engine.h"),
            ("control/ctl/mode_command.cc", "control/services/server_service.h"),
            ("control/ctl/main.cc", "server/data_plane.h"),
            ("control/ctl/main.cc", "client/load_run.h"),
            ("tests/common/wire/message_test.cc", "server/data_plane.h"),
        ]:
            self.assertEqual(len(self.check(path, header)), 1, f"{path} includes {header}")

    def test_rows_0_to_2_know_no_grpc(self):
        for header in ["grpcpp/server.h", "grpc/grpc.h", "google/protobuf/message.h"]:
            for path in ["common/net/address.cc", "server/data_plane.cc", "client/load_run.h"]:
                self.assertEqual(len(self.check(path, header, "<>")), 1)
            self.assertEqual(self.check("control/rpc/host.cc", header, "<>"), [])
        test = "tests/common/log/log_test.cc"
        self.assertEqual(self.check(test, "google/protobuf/util/json_util.h"), [])
        self.assertEqual(len(self.check(test, "grpcpp/server.h")), 1)
        self.assertEqual(len(self.check(test, "handshake/v1/types.pb.h")), 1)


class Form(unittest.TestCase):
    def test_header_guard(self):
        guard = "HANDSHAKE_A_B_H_"
        good = f"// A.\n#ifndef {guard}\n#define {guard}\n#endif  // {guard}\n"
        self.assertEqual(messages(tidy.header_guard, "a/b.h", good), [])
        self.assertEqual(len(messages(tidy.header_guard, "a/c.h", good)), 1)
        self.assertEqual(len(messages(tidy.header_guard, "a/b.h", good + "int x;\n")), 1)

    def test_opening_comment(self):
        for path, good, bad in [
            ("a.h", "// What it is.\n", "#ifndef A\n"),
            ("a.proto", "// What it is.\n", 'syntax = "proto3";\n'),
            ("a.java", "// What it is.\n", "import java.util.List;\n"),
            ("a.sh", "#!/bin/sh\n# What it does.\n", "#!/bin/sh\nls\n"),
            ("a.py", '#!/usr/bin/env python3\n"""What it does.', "import os\n"),
        ]:
            self.assertEqual(messages(tidy.opening_comment, path, good), [])
            self.assertEqual(len(messages(tidy.opening_comment, path, bad)), 1)

    def test_line_form(self):
        self.assertEqual(messages(tidy.line_form, "a.cc", "x" * 100 + "\n"), [])
        self.assertEqual(messages(tidy.line_form, "a.md", "x" * 101 + "\n"), [])
        for bad in ["x" * 101 + "\n", "\tint x;\n", "int x; \n", "int x;", "int x;\n\n"]:
            self.assertEqual(len(messages(tidy.line_form, "a.cc", bad)), 1, repr(bad))

    def test_file_name(self):
        for good in ["a/b_c.cc", "proto/handshake/v1/types.proto", "README.md"]:
            self.assertEqual(messages(tidy.file_name, good, ""), [])
        for bad in ["a/BigName.cc", "a/big-name.h", "Upper/a.py", "a/Big.java"]:
            self.assertEqual(len(messages(tidy.file_name, bad, "")), 1)


class Content(unittest.TestCase):
    def test_no_sleep_in_tests(self):
        for path, bad in [
            ("tests/a_test.cc", "  std::this_thread::sleep_for(1s);\n"),
            ("tests/a_test.cc", "usleep(10);\n"),
            ("tests/a_test.cc", "absl::SleepFor(absl::Seconds(1));\n"),
            ("tests/a_test.py", "    time.sleep(1)\n"),
            ("tests/a.sh", "  sleep 1\n"),
        ]:
            self.assertEqual(len(messages(tidy.no_sleep_in_tests, path, bad)), 1, bad)
            self.assertEqual(messages(tidy.no_sleep_in_tests, "other/" + path, bad), [])
        for good in ["asleep(); oversleep_;\n", "usleep(1);  // NOLINT(sleep): a pace, no wait\n"]:
            self.assertEqual(messages(tidy.no_sleep_in_tests, "tests/a.cc", good), [], good)

    def test_finished(self):
        for bad in ["// TODO: later\n", "// FIXME\n", 'open("/root/x")\n', 'open("/home/me/x")\n']:
            self.assertEqual(len(messages(tidy.finished, "a.cc", bad)), 1, bad)
        for good in ["// todo lists\n", 'open("/proc/self/stat")\n', "a/work/b\n"]:
            self.assertEqual(messages(tidy.finished, "a.cc", good), [], good)

    def test_shell_syntax(self):
        good = "#!/usr/bin/env bash\nset -euo pipefail\nls\n"
        self.assertEqual(messages(tidy.shell_syntax, "a.sh", good), [])
        self.assertTrue(messages(tidy.shell_syntax, "a.sh", good + "if true; then\n"))
        self.assertTrue(messages(tidy.shell_syntax, ".ci/run", "#!/usr/bin/env bash\nls\n"))


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def test_engines_apart(self):
        self.write("server/engines/factory.cc", "".join(
            f'#include "server/engines/{name}.h"\n' for name in ("factory", "engine", "a", "b")))
        for path, header, findings in [
            ("a.cc", "a.h", 0), ("a.h", "engine.h", 0), ("a.h", "shared.h", 0),
            ("factory.cc", "a.h", 0), ("a.cc", "b.h", 1), ("a.h", "b.h", 1), ("shared.h", "b.h", 1),
        ]:
            text = f'#include "server/engines/{header}"\n'
            found = messages(tidy.engines_apart, f"server/engines/{path}", text, self.root)
            self.assertEqual(len(found), findings, f"{path} includes {header}")

    def test_markdown_links(self):
        self.write("a/b.md", "")
        good = "[b](b.md) [b](../a/b.md#part) [web](https://example.org/x)\n"
        self.assertEqual(messages(tidy.markdown_links, "a/c.md", good, self.root), [])
        self.assertEqual(len(messages(tidy.markdown_links, "c.md", "[b](b.md)\n", self.root)), 1)

    def test_in_cmake_list(self):
        self.write("CMakeLists.txt", "add_subdirectory(a)\n")
        self.write("a/CMakeLists.txt", "add_library(a SOURCES x.cc sub/y.cc ../c/v.cc\n"
                                       "${PROJECT_SOURCE_DIR}/c/w.cc)\n# z.cc\n")
        for good in ["a/x.cc", "a/sub/y.cc", "a/x.h", "c/v.cc", "c/w.cc"]:
            self.assertEqual(messages(tidy.in_cmake_list, good, "", self.root), [])
        for bad in ["a/z.cc", "a/sub/x.cc", "b/x.cc"]:
            self.assertEqual(len(messages(tidy.in_cmake_list, bad, "", self.root)), 1, bad)

    def test_a_whole_tree(self):
        self.write("build/x.h", "\tgenerated")
        self.write(".git/x.h", "\t")
        self.write("LICENSE", "no suffix")
        self.write("client/x.h", "#include <grpcpp/grpcpp.h>\n")
        found = {(finding.path, finding.line) for finding in tidy.check(self.root)}
        self.assertEqual(found, {("client/x.h", 1)})
        self.assertEqual(tidy.main([str(self.root)]), 1)
        (self.root / "client/x.h").unlink()
        self.assertEqual(tidy.main([str(self.root)]), 0)


if __name__ == "__main__":
    unittest.main()
