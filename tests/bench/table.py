"""Rows as a table for a terminal."""

import shutil
import sys

import rows

COLORS = {rows.OK: "32", rows.MISSED: "31;1", rows.VOID: "31;1", rows.MISSING: "33"}
HEAD = ("what", "measured", "gate", "", "runs", "range")


def _number(value, unit):
    if value is None:
        return "-"
    if unit == "":
        text = f"{value:.3f}"
    elif value == int(value) or abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
    return f"{text} {unit}".rstrip()


def _cells(row):
    gate = "" if row.gate is None else f"<= {row.gate:g}"
    if row.is_control:
        gate = "{:g} to {:g}".format(*rows.CONTROL_RANGE)
    spread = ""
    if row.least is not None and row.runs > 1:
        spread = f"{_number(row.least, row.unit and ' ').strip()} to " \
                 f"{_number(row.most, row.unit and ' ').strip()}"
    return (row.what, _number(row.value, row.unit), gate, row.verdict(),
            str(row.runs) if row.runs else "", spread)


def _paint(text, verdict):
    if not sys.stdout.isatty() or verdict not in COLORS:
        return text
    return f"\033[{COLORS[verdict]}m{text}\033[0m"


def print_table(title, about, suite_rows):
    """One suite: a title, a line on what it is, the rows; notes below the row they are of."""
    table = [HEAD] + [_cells(row) for row in suite_rows]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(HEAD))]
    line = "-" * min(sum(widths) + 2 * len(widths), shutil.get_terminal_size((110, 24)).columns)
    print(f"\n{title}: {about}\n{line}")
    for number, cells in enumerate(table):
        texts = [cell.rjust(width) if column in (1, 2, 4) else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(cells, widths))]
        texts[3] = _paint(texts[3], cells[3])
        print("  ".join(texts).rstrip())
        if number == 0:
            print(line)
            continue
        row = suite_rows[number - 1]
        for note in filter(None, (row.missing, row.note)):
            print(f"    {note}")
    sys.stdout.flush()
