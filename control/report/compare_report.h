// A comparison of modes: the order of its blocks, its figures, and the report as text.
#ifndef HANDSHAKE_CONTROL_REPORT_COMPARE_REPORT_H_
#define HANDSHAKE_CONTROL_REPORT_COMPARE_REPORT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "control/report/table.h"
#include "handshake/v1/compare_report.pb.h"

namespace handshake::report {

inline constexpr double kCompareConfidence = 0.99;

// For each round the numbers 0 to n - 1 in random order. The same seed gives the same, everywhere.
std::vector<std::vector<size_t>> RandomRounds(size_t n, int64_t rounds, uint64_t seed);

// What happened in a block: `after` is a later state of the same run and server than `before`, both
// with the full view. Round, name and generation are left to the caller. A run whose histograms are
// missing or broken has no latency.
v1::CompareBlock MeasureBlock(v1::Mode mode, const v1::LoadRun& run_before,
                              const v1::LoadRun& run_after, const v1::Stats& stats_before,
                              const v1::Stats& stats_after);

// Fills in the figures and counts of report.modes, whose names and modes are set, from
// report.blocks. Uses baseline, done_round_count, confidence and seed.
void Summarize(v1::CompareReport& report);

// One line without '\n' and without colour, to be drawn over itself.
std::string CompareProgress(const v1::CompareReport& report, size_t blocks_done,
                            std::string_view mode, std::chrono::nanoseconds left);

// All there is to say at the end.
std::string ComparePage(const v1::CompareReport& report, Style style);

// Of a comparison that was not cut short: kExitBadOutcome (a handshake failed, or none was
// measured), kExitGeneratorLimited (open loop, half of the rounds or more) or kExitOk.
int CompareExitCode(const v1::CompareReport& report);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_COMPARE_REPORT_H_
