#include "common/wire/verdict.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

namespace handshake::wire {
namespace {

TEST(Verdict, NamesAreUniqueUpperCaseAndWithText) {
  std::set<std::string_view> names;
  for (int i = 0; i < kVerdictCount; ++i) {
    const auto verdict = static_cast<Verdict>(i);
    const std::string_view name = VerdictName(verdict);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"), name.npos) << name;
    EXPECT_FALSE(VerdictText(verdict).empty()) << name;
    EXPECT_FALSE(VerdictText(verdict).ends_with('.')) << name;
  }
}

// The numbers and names are part of the operator's contract.
TEST(Verdict, NumbersAndNamesStay) {
  const char* names[] = {"NONE",
                         "OK",
                         "MALFORMED",
                         "OVERSIZE",
                         "OVERFLOW",
                         "MISMATCH",
                         "EARLY_DATA",
                         "TRAILING_DATA",
                         "TIMEOUT_STEP_1",
                         "TIMEOUT_STEP_2",
                         "TIMEOUT_STEP_3",
                         "PEER_GONE_STEP_1",
                         "PEER_GONE_STEP_2",
                         "PEER_GONE_STEP_3",
                         "PEER_RESET_STEP_1",
                         "PEER_RESET_STEP_2",
                         "PEER_RESET_STEP_3",
                         "SHED",
                         "CLOSED_BY_OPERATOR",
                         "CLOSED_AT_SHUTDOWN",
                         "INTERNAL_ERROR",
                         "PEER_ERROR",
                         "UNCONFIRMED",
                         "CONNECT_REFUSED",
                         "CONNECT_TIMEOUT",
                         "UNREACHABLE",
                         "NO_LOCAL_RESOURCE",
                         "NOT_UTF8",
                         "IDLE"};
  static_assert(std::size(names) == kVerdictCount);
  for (int i = 0; i < kVerdictCount; ++i) {
    EXPECT_EQ(VerdictName(static_cast<Verdict>(i)), names[i]);
  }
}

TEST(Verdict, EachCountsAsOneClass) {
  const auto range = [](Verdict first, Verdict last, VerdictClass expected) {
    for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i) {
      EXPECT_EQ(ClassOf(static_cast<Verdict>(i)), expected) << i;
    }
  };
  range(Verdict::kNone, Verdict::kNone, VerdictClass::kPending);
  range(Verdict::kOk, Verdict::kOk, VerdictClass::kCompleted);
  range(Verdict::kMalformed, Verdict::kTrailingData, VerdictClass::kRejected);
  range(Verdict::kTimeoutStep1, Verdict::kTimeoutStep3, VerdictClass::kTimedOut);
  range(Verdict::kPeerGoneStep1, Verdict::kPeerResetStep3, VerdictClass::kPeerGone);
  range(Verdict::kShed, Verdict::kShed, VerdictClass::kShed);
  range(Verdict::kClosedByOperator, Verdict::kInternalError, VerdictClass::kClosedByServer);
  range(Verdict::kPeerError, Verdict::kNoLocalResource, VerdictClass::kClientSide);
  range(Verdict::kNotUtf8, Verdict::kNotUtf8, VerdictClass::kRejected);
  range(Verdict::kIdle, Verdict::kIdle, VerdictClass::kTimedOut);
}

// The page for peers has a row for each, and the very text of each ERROR answer.
TEST(Verdict, TheProtocolPageListsThemAll) {
  std::ifstream file(HANDSHAKE_PROTOCOL_PAGE);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(page.empty()) << HANDSHAKE_PROTOCOL_PAGE;
  for (int i = 1; i < kVerdictCount; ++i) {
    const auto verdict = static_cast<Verdict>(i);
    const std::string begin =
        "| " + std::to_string(i) + " | `" + std::string(VerdictName(verdict)) + "` | ";
    const size_t at = page.find("\n" + begin);
    ASSERT_NE(at, page.npos) << begin;
    const std::string row = page.substr(at + 1, page.find('\n', at + 1) - at - 1);
    const bool answered = ClassOf(verdict) == VerdictClass::kRejected ||
                          verdict == Verdict::kTimeoutStep1 || verdict == Verdict::kTimeoutStep3;
    const std::string end = answered ? " | " + std::string(VerdictText(verdict)) + " |" : " | |";
    EXPECT_TRUE(row.ends_with(end)) << row << " must end with " << end;
  }
}

}  // namespace
}  // namespace handshake::wire
