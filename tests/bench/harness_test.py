"""The benchmark's arithmetic: verdicts, exit codes, gaps, recovery, from figures made up here."""

import contextlib
import io
import unittest

import main
import rows
from suites import switch


def series(counts, begin_ns=0):
    return switch.Series({"begin_ns": begin_ns, "series": counts})


def code_of(*found):
    with contextlib.redirect_stdout(io.StringIO()):
        return main.verdict({"suite": list(found)})


class Verdicts(unittest.TestCase):

    def test_a_gate_is_the_most_a_figure_may_be(self):
        self.assertEqual(rows.Row("a", 1.15, 1.15).verdict(), rows.OK)
        self.assertEqual(rows.Row("a", 1.151, 1.15).verdict(), rows.MISSED)
        self.assertEqual(rows.Row("a", 0, 0).verdict(), rows.OK)
        self.assertEqual(rows.Row("a", 9).verdict(), rows.REPORTED)

    def test_exit_codes(self):
        ok, missed = rows.Row("a", 1, 1), rows.Row("a", 2, 1)
        control = rows.Row("a", 1.06, is_control=True)
        self.assertEqual(code_of(ok), main.EXIT_OK)
        self.assertEqual(code_of(ok, missed), main.EXIT_MISSED)
        self.assertEqual(code_of(ok, rows.missing_row("a", 1, "not here")), main.EXIT_MISSED)
        self.assertEqual(code_of(ok, rows.missing_row("a", None, "not here")), main.EXIT_OK)
        self.assertEqual(code_of(ok, missed, control), main.EXIT_VOID)

    def test_means_and_percentiles(self):
        self.assertAlmostEqual(rows.geometric_mean([0.5, 2]), 1)
        self.assertEqual(rows.percentile(range(1, 31), 0.99), 30)
        self.assertEqual(rows.percentile(range(1, 31), 0.5), 15)
        self.assertEqual(rows.percentile([7], 0.5), 7)


class AfterASwitch(unittest.TestCase):
    """A bucket is half a millisecond; 10 completions in each are 20,000/s."""

    def test_the_longest_gap_is_bounded_from_above(self):
        calm = [10] * 100
        self.assertEqual(series(calm).longest_gap_ms(0, 0, 0.05), 0.5)
        self.assertEqual(series(calm + [0] * 9 + calm).longest_gap_ms(0, 0, 0.1), 5)
        # What lies before the moment is not its doing.
        self.assertEqual(series([0] * 9 + calm).longest_gap_ms(4_500_000, 0, 0.05), 0.5)

    def test_recovery_begins_where_the_rate_is_back(self):
        after = [5] * 60 + [10] * 2_000  # half the rate for 30 ms
        recovery = series(after).recovery_ms(0, 20_000)
        self.assertGreater(recovery, 20)  # at 95 %, a window may hold 5 ms at half the rate
        self.assertLessEqual(recovery, 30)
        self.assertEqual(series([9] * 2_000).recovery_ms(0, 20_000), 1e3 * switch.STAY)


if __name__ == "__main__":
    unittest.main()
