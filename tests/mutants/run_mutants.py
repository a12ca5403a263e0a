#!/usr/bin/env python3
"""Puts known bugs back into the server, one at a time, and expects the tests to go red.

Usage: run_mutants.py SOURCE_ROOT WORK_FOLDER [NAME ...]

A mutant is a file NAME.patch beside this script. Its head says what it breaks, then

    Filter: the gtest filter of the tests that must notice
    Expect: a regular expression that their output must contain
    Test: their program, if it is not storm_test, and what it is told beside the filter

Without names: the two bugs that every run tries, or with HANDSHAKE_CAMPAIGN=1 all of them. Exits 1
if a mutant survives, is noticed for another reason, or can no longer be applied.
"""

import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

EVERY_RUN = ["early_acknowledgement", "listener_closed_at_switch"]
BUILD_SECONDS = 600
RUN_SECONDS = 240
HERE = pathlib.Path(__file__).resolve().parent


class Failure(Exception):
    """One line that says what is wrong and what to do."""


def run(command, timeout, **options):
    """Returns (exit code, output); a process that takes too long counts as failed."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
            text=True, errors="replace", check=False, **options)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout or ""
        if isinstance(output, bytes):
            output = output.decode(errors="replace")
        return -1, output + f"\n(ended after {timeout} s)\n"


def must(what, command, timeout, **options):
    code, output = run(command, timeout, **options)
    if code != 0:
        raise Failure(f"{what} failed:\n{output[-3000:]}")


class Mutant:
    def __init__(self, name):
        self.name = name
        self.path = HERE / f"{name}.patch"
        if not self.path.exists():
            raise Failure(f"{name}: no such mutant; there are {', '.join(all_names())}")
        text = self.path.read_text()
        self.filter = self.field(text, "Filter")
        self.expect = self.field(text, "Expect")
        named = re.search(r"^Test: (.+)$", text, re.MULTILINE)
        self.test, *self.arguments = (named[1] if named else "storm_test").split()
        self.changed = re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)

    def field(self, text, name):
        found = re.search(rf"^{name}: (.+)$", text, re.MULTILINE)
        if not found:
            raise Failure(f"{self.name}: the patch has no line '{name}: ...'")
        return found[1]

    def apply(self, tree):
        code, output = run(["patch", "-p1", "--fuzz=0", "-i", str(self.path)], 30, cwd=tree)
        if code != 0:
            raise Failure(f"{self.name}: the patch no longer applies; make it anew:\n{output}")


def all_names():
    return sorted(path.stem for path in HERE.glob("*.patch"))


def copy_file(source, target):
    """Only if it differs, and with a new time: the last mutant's file, put right, stays newer than
    what was built from it, and all else is not built again."""
    if not (os.path.exists(target) and filecmp.cmp(source, target, shallow=False)):
        shutil.copy(source, target)
    return target


def copy_sources(source, tree):
    """A copy of the sources, in which every file that differs from the last one is new."""
    tree.mkdir(parents=True, exist_ok=True)
    skipped = shutil.ignore_patterns("build", ".git", "__pycache__")
    for entry in source.iterdir():
        if entry.name in ("build", ".git"):
            continue
        if entry.is_dir():
            shutil.copytree(entry, tree / entry.name, copy_function=copy_file, ignore=skipped,
                            dirs_exist_ok=True)
        else:
            copy_file(entry, tree / entry.name)


def build(tree, folder, test):
    must("configuring", ["cmake", "-G", "Ninja", "-S", str(tree), "-B", str(folder),
                         "-DCMAKE_BUILD_TYPE=Debug", "-DHANDSHAKE_CONTROL=OFF"], 120)
    must("building", ["ninja", "-C", str(folder), test], BUILD_SECONDS)


def try_it(mutant, source, tree, folder):
    """Builds the mutant, runs its tests, and puts the tree right again."""
    copy_sources(source, tree)
    try:
        mutant.apply(tree)
        build(tree, folder, mutant.test)
        return run([str(folder / "bin" / mutant.test), f"--gtest_filter={mutant.filter}",
                    *mutant.arguments],
                   RUN_SECONDS, env={**os.environ, "HANDSHAKE_STORM_SECONDS": "15"})
    finally:
        for path in mutant.changed:  # with a new time, so that it is built again
            shutil.copy(source / path, tree / path)


def check(mutant, source, tree, folder):
    began = time.monotonic()
    code, output = try_it(mutant, source, tree, folder)
    if code == 0:
        raise Failure(f"{mutant.name}: SURVIVED, the tests stayed green:\n{output[-2000:]}")
    if not re.search(mutant.expect, output):
        raise Failure(f"{mutant.name}: red, but not for its reason ('{mutant.expect}'):\n"
                      f"{output[-3000:]}")
    took = time.monotonic() - began
    print(f"mutant {mutant.name}: built and noticed in {took:.0f} s", flush=True)


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    source, work = (pathlib.Path(argument).resolve() for argument in arguments[:2])
    campaign = os.environ.get("HANDSHAKE_CAMPAIGN") == "1"
    names = arguments[2:] or (all_names() if campaign else EVERY_RUN)
    failures = 0
    for name in names:
        try:
            check(Mutant(name), source, work / "source", work / "build")
        except Failure as failure:
            failures += 1
            print(failure, file=sys.stderr, flush=True)
    prefix = "campaign " if campaign else ""
    print(f"{prefix}mutants: {len(names) - failures} of {len(names)} noticed", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
