#!/usr/bin/env python3
"""Prints what the failed tests of ctest's JUnit reports said: of each the lines that tell.

Usage: failures.py REPORT.xml ...
"""

import sys
import xml.etree.ElementTree

LINES = 12  # of a test
SIGNS = ("Failure", "ERROR:", "WARNING: ThreadSanitizer", "runtime error", "Traceback", "survived")


def telling(output):
    """From the first sign of what went wrong, else the end."""
    lines = [line for line in output.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if any(sign in line for sign in SIGNS):
            return lines[number:number + LINES]
    return lines[-LINES:]


def main():
    for report in sys.argv[1:]:
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            if case.get("status") != "fail":
                continue
            print(f"{report}: {case.get('name')}")
            for line in telling(case.findtext("system-out") or ""):
                print(f"    | {line[:160]}")


if __name__ == "__main__":
    main()
