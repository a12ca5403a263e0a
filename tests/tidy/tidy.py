#!/usr/bin/env python3
"""The house rules that a program can check, over every file of the source tree.

Usage: tidy.py ROOT          prints one line a finding, exits 1 if there is any
       tidy.py ROOT --list   prints the rules

A rule is a function that gets one file and yields findings; RULES lists them. The drawing of the
house in README.md is the table LAYERS below.
"""

import functools
import os
import pathlib
import re
import subprocess
import sys
from typing import Callable, Iterator, NamedTuple

MAX_COLUMNS = 100
CODE = {".cc", ".h"}
TEXT = CODE | {".proto", ".java", ".py", ".sh", ".md", ".txt", ".json"}
SKIPPED_FOLDERS = {"build", "node_modules", "__pycache__"}


class File(NamedTuple):
    """One source file: its path from the root, with slashes, and its text."""

    path: str
    text: str

    @property
    def suffix(self) -> str:
        return pathlib.PurePosixPath(self.path).suffix

    @property
    def name(self) -> str:
        return pathlib.PurePosixPath(self.path).name

    @property
    def folder(self) -> str:
        return str(pathlib.PurePosixPath(self.path).parent)

    def lines(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.text.splitlines(), start=1)


class Finding(NamedTuple):
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


# --- include direction ----------------------------------------------------------------------------

# A box of the drawing, and what its files may include beside their own box. An entry is a box, or
# one header of a box whose rest stays hidden. common/log, net, stats, text and wire are leaves; two
# of them stand on common/text.
LEAVES = ["common", "common/log", "common/net", "common/stats", "common/text", "common/wire"]
COMMON = LEAVES + ["common/tls"]
RPC = COMMON + ["proto", "control/rpc"]
AUTH = RPC + ["control/auth"]
REPORT = AUTH + ["control/report"]
STORE = REPORT + ["control/store"]
SERVICES = STORE + ["server", "server/door/mode.h", "client", "control/services"]
HTTP = SERVICES + ["control/http"]
LAYERS: dict[str, list[str]] = {
    **{leaf: [] for leaf in LEAVES},
    "common/log": ["common/text"],
    "common/wire": ["common/text"],
    "common/tls": ["common/text", "common/wire"],
    "server/door": COMMON,
    "server/engines": COMMON + ["server/door"],
    "server": COMMON + ["server/door", "server/engines"],
    "client": COMMON,
    "control/rpc": COMMON + ["proto"],
    "control/auth": RPC,
    "control/report": AUTH,
    "control/store": REPORT,
    "control/services": SERVICES,
    "control/http": HTTP,
    "control/controller": HTTP,
    # The operator's command line, its main included, never sees server or client.
    "control/ctl": REPORT,
    "tests/common": COMMON,
    "tests/server": COMMON + ["server/door", "server/engines", "server", "client"],
    "tests/client": COMMON + ["client"],
}
# Rows 0 to 2 and their tests build and run without gRPC; a test may check JSON with protobuf.
WITHOUT_GRPC = re.compile(r"(tests/)?(common|server|client)(/|$)")
GRPC_HEADER = re.compile(r"^(grpc|grpcpp|google/protobuf)/|\.pb\.h$")
ENGINE_FACTORY = "server/engines/factory.cc"
SHARED_BY_ENGINES = {"server/engines/engine.h", "server/engines/factory.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def box_of(path: str) -> str | None:
    """The box a file or included header belongs to: the longest folder that LAYERS knows."""
    if path.endswith(".pb.h"):
        return "proto"
    folder = path
    while "/" in folder:
        folder = folder.rsplit("/", 1)[0]
        if folder in LAYERS:
            return folder
    return None


def quoted_includes(text: str) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.MULTILINE)


def is_composition_root(file: File) -> bool:
    """Row 4: may look anywhere. The command line keeps to its box even there."""
    in_row_4 = file.name == "main.cc" or re.fullmatch(r"commands?(_\w+)?\.(cc|h)", file.name)
    return bool(in_row_4) and not file.path.startswith("control/ctl/")


def include_direction(file: File) -> Iterator[Finding]:
    """Includes point down the drawing, and rows 0 to 2 know no gRPC."""
    if file.suffix not in CODE or is_composition_root(file):
        return
    own_box = box_of(file.path)
    for number, line in file.lines():
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, header = match.group(1) == '"', match.group(2)
        if WITHOUT_GRPC.match(file.folder) and GRPC_HEADER.search(header):
            if file.path.startswith("tests/") and header.startswith("google/protobuf/"):
                continue
            yield Finding(file.path, number, f"{header}: rows 0 to 2 know no gRPC and no protobuf")
            continue
        target = box_of(header) if quoted else None
        if own_box and target and target != own_box:
            allowed = LAYERS[own_box]
            if target not in allowed and header not in allowed:
                yield Finding(file.path, number, f"{own_box} may not include {header}")


def engines_apart(file: File, root: pathlib.Path) -> Iterator[Finding]:
    """No engine includes another. The engines are the headers that the factory includes."""
    factory = root / ENGINE_FACTORY
    if not file.path.startswith("server/engines/") or file.path == ENGINE_FACTORY:
        return
    included = set(quoted_includes(factory.read_text())) if factory.exists() else set()
    engines = {header for header in included if header.startswith("server/engines/")}
    engines -= SHARED_BY_ENGINES
    for header in quoted_includes(file.text):
        if header in engines and header.removesuffix(".h") != file.path.rsplit(".", 1)[0]:
            yield Finding(file.path, 1, f"an engine may not include another: {header}")


# --- form -----------------------------------------------------------------------------------------


def header_guard(file: File) -> Iterator[Finding]:
    """A header is guarded by HANDSHAKE_, its path and _H_."""
    if file.suffix != ".h":
        return
    guard = "HANDSHAKE_" + re.sub(r"[^A-Za-z0-9]", "_", file.path).upper() + "_"
    lines = file.text.splitlines()
    if f"#ifndef {guard}" not in lines or f"#define {guard}" not in lines:
        yield Finding(file.path, 1, f"the include guard must be {guard}")
    elif lines[-1] != f"#endif  // {guard}":
        yield Finding(file.path, len(lines), f"the last line must be '#endif  // {guard}'")


def opening_comment(file: File) -> Iterator[Finding]:
    """A header, a contract and a script say first what they are."""
    opening = {
        ".h": r"// \S",
        ".proto": r"// \S",
        ".java": r"// \S",
        ".sh": r"(#!.*\n)?# \S",
        ".py": r'(#!.*\n)?"""\S',
    }
    if file.suffix in opening and file.text and not re.match(opening[file.suffix], file.text):
        yield Finding(file.path, 1, "the file must open with a comment that says what it is")


def line_form(file: File) -> Iterator[Finding]:
    """Lines fit, have no tabs and no blanks at their end; a file ends with one newline."""
    for number, line in file.lines():
        # Tables, addresses and data cannot be wrapped; CMake's own lists can.
        wraps = file.suffix not in {".md", ".json", ".txt"} or file.name == "CMakeLists.txt"
        if len(line) > MAX_COLUMNS and wraps:
            yield Finding(file.path, number, f"{len(line)} columns; at most {MAX_COLUMNS}")
        if "\t" in line:
            yield Finding(file.path, number, "a tab; use spaces")
        if line != line.rstrip():
            yield Finding(file.path, number, "blanks at the end of the line")
    if file.text and (not file.text.endswith("\n") or file.text.endswith("\n\n")):
        yield Finding(file.path, len(file.text.splitlines()), "the file must end with one newline")


def file_name(file: File) -> Iterator[Finding]:
    """Source files are snake_case, and so are their folders."""
    if file.suffix in CODE | {".proto", ".java", ".py", ".sh"}:
        if not re.fullmatch(r"([a-z0-9_]+/)*[a-z][a-z0-9_]*\.[a-z]+", file.path):
            yield Finding(file.path, 1, "file and folder names are snake_case")


# --- content --------------------------------------------------------------------------------------

SLEEP = {
    ".cc": re.compile(r"\b(sleep_for|sleep_until|u?sleep|nanosleep|clock_nanosleep)\s*\(|SleepFor"),
    ".py": re.compile(r"\bsleep\("),
    ".sh": re.compile(r"^\s*sleep\b"),
}
ALLOWED_SLEEP = re.compile(r"NOLINT\(sleep\): \w")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
DEVELOPER_PATH = re.compile(r"(?<![\w.])/(work|root|home)/\w|\.\./shared\b")


def no_sleep_in_tests(file: File) -> Iterator[Finding]:
    """A test waits for a condition with a deadline. What only sets a pace says so in its line:
    // NOLINT(sleep): why."""
    pattern = SLEEP.get(".cc" if file.suffix == ".h" else file.suffix)
    if pattern and file.path.startswith("tests/"):
        for number, line in file.lines():
            if pattern.search(line) and not ALLOWED_SLEEP.search(line):
                yield Finding(file.path, number, "a test may not sleep; wait for the condition")


def finished(file: File) -> Iterator[Finding]:
    """No notes to oneself, and no path of a developer's machine."""
    for number, line in file.lines():
        if UNFINISHED.search(line):
            yield Finding(file.path, number, "finish it, or open an issue")
        if DEVELOPER_PATH.search(line):
            yield Finding(file.path, number, "a path of somebody's machine")


def is_shell(file: File) -> bool:
    return file.suffix == ".sh" or bool(re.match(r"#!.*\b(ba)?sh\b", file.text))


def shell_syntax(file: File) -> Iterator[Finding]:
    """Shell scripts parse, and a script that is run stops at the first error."""
    if not is_shell(file):
        return
    parsed = subprocess.run(["bash", "-n"], input=file.text, capture_output=True, text=True)
    for line in parsed.stderr.splitlines():
        number = re.search(r"line (\d+)", line)
        yield Finding(file.path, int(number.group(1)) if number else 1, line.split(": ", 2)[-1])
    is_program = file.text.startswith("#!")
    if is_program and not re.search(r"^(set -euo pipefail|exec )", file.text, re.MULTILINE):
        yield Finding(file.path, 1, "a script must say 'set -euo pipefail'")


def markdown_links(file: File, root: pathlib.Path) -> Iterator[Finding]:
    """A relative link of a document leads to a file that exists."""
    if file.suffix != ".md":
        return
    for number, line in file.lines():
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", line):
            if "://" in link or link.startswith("mailto:"):
                continue
            if not (root / file.folder / link).exists():
                yield Finding(file.path, number, f"the link leads nowhere: {link}")


def in_cmake_list(file: File, root: pathlib.Path) -> Iterator[Finding]:
    """Every .cc and .proto is named by a CMakeLists.txt."""
    if file.suffix in {".cc", ".proto"} and file.path not in cmake_sources(root):
        yield Finding(file.path, 1, "no CMakeLists.txt names this file")


@functools.cache
def cmake_sources(root: pathlib.Path) -> set[str]:
    """All sources that the CMakeLists.txt of the tree name, by their paths from the root."""
    found = set()
    for lists in source_files(root):
        if lists.name == "CMakeLists.txt":
            for word in re.findall(r"[^\s()\"]+\.(?:cc|proto)\b", re.sub("#.*", "", lists.text)):
                path = word.replace("${PROJECT_SOURCE_DIR}/", "/")
                found.add(os.path.normpath(path[1:] if path[0] == "/" else
                                           os.path.join(lists.folder, path)))
    return found


# --- the run --------------------------------------------------------------------------------------

FILE_RULES: list[Callable[[File], Iterator[Finding]]] = [
    include_direction,
    header_guard,
    opening_comment,
    line_form,
    file_name,
    no_sleep_in_tests,
    finished,
    shell_syntax,
]
TREE_RULES: list[Callable[[File, pathlib.Path], Iterator[Finding]]] = [
    engines_apart,
    markdown_links,
    in_cmake_list,
]
# Samples of what is wrong, on purpose.
QUOTES_BAD_CODE = {"tests/tidy/tidy.py", "tests/tidy/tidy_test.py"}
CONTENT_RULES = {no_sleep_in_tests, finished}


def source_files(root: pathlib.Path) -> Iterator[File]:
    for folder, folders, names in os.walk(root):
        here = pathlib.Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if name == ".ci" or not name.startswith(".") and name not in SKIPPED_FOLDERS
        )
        for name in sorted(names):
            path = here / name
            if path.suffix in TEXT or here.name == ".ci":
                yield File(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


def check(root: pathlib.Path) -> Iterator[Finding]:
    for file in source_files(root):
        for rule in FILE_RULES:
            if rule in CONTENT_RULES and file.path in QUOTES_BAD_CODE:
                continue
            yield from rule(file)
        for rule in TREE_RULES:
            yield from rule(file, root)


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    if "--list" in arguments:
        for rule in [*FILE_RULES, *TREE_RULES]:
            print(f"{rule.__name__}: {rule.__doc__}")
        return 0
    findings = list(check(pathlib.Path(arguments[0]).resolve()))
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
