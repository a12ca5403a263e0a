"""Does the benchmark still work? One tiny run of its exact counts and of one pair.

    smoke_test.py BIN SCRATCH

What is measured is not held against any time. Exit code 77: it cannot run here, and why.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77
SECONDS = 60
COUNTED = {  # rows that need nothing but ourselves, and the figure at which something is broken
    "segments, epoll": 9.5,
    "heap allocations, epoll": 0.1,
}


def enter():
    """The command that runs in a network namespace of its own; None if that is not allowed."""
    for command in (["unshare", "--net"], ["unshare", "--net", "--user", "--map-root-user"]):
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return None


def problems(rows):
    """What is wrong with what was measured."""
    for row in rows.values():
        if row["missing"]:
            print(f"skipped: {row['what']}: {row['missing']}")
        elif row["value"] is None or row["details"].get("failures"):
            yield f"{row['what']}: {row['value']}, {row['details']}"
    for what, most in COUNTED.items():
        if what not in rows or rows[what]["missing"] or not 0 <= rows[what]["value"] <= most:
            yield f"{what}: {rows.get(what)}"
    if not any(what.startswith("epoll / C epoll") for what in rows):
        yield "no pair was measured"


def main(bin_folder, scratch):
    command = enter()
    if command is None:
        print("skipped: no network namespace of our own: not root, and no user namespaces")
        return SKIPPED
    output = pathlib.Path(scratch) / "smoke.json"
    output.unlink(missing_ok=True)
    done = subprocess.run(
        [*command, sys.executable, "-B", HERE / "main.py", "--bin", bin_folder, "--scratch",
         scratch, "--output", output, "--smoke", "counts", "paired"], timeout=SECONDS)
    found = json.loads(output.read_text())["suites"] if output.exists() else {}
    wrong = list(problems({row["what"]: row for rows in found.values() for row in rows}))
    if done.returncode not in (0, 1, 3):  # gates may be missed in so short a run
        wrong.append(f"main.py ended with code {done.returncode}")
    for text in wrong:
        print(f"WRONG: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
