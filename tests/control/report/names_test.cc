#include "control/report/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/wire/verdict.h"

namespace handshake::report {
namespace {

TEST(NamesTest, VerdictsAreTheWires) {
  const google::protobuf::EnumDescriptor& verdicts = *v1::Verdict_descriptor();
  ASSERT_EQ(verdicts.value_count(), wire::kVerdictCount);
  for (int i = 1; i < verdicts.value_count(); ++i) {
    const v1::Verdict verdict = static_cast<v1::Verdict>(verdicts.value(i)->number());
    EXPECT_EQ("VERDICT_" + VerdictName(verdict), verdicts.value(i)->name());
    EXPECT_FALSE(VerdictText(verdict).empty());
  }
  EXPECT_EQ(VerdictName(static_cast<v1::Verdict>(99)), "VERDICT_99");
  EXPECT_EQ(VerdictName(static_cast<v1::Verdict>(-1)), "VERDICT_-1");
}

TEST(NamesTest, ModesThereAndBack) {
  EXPECT_THAT(ModeNames(), ::testing::ElementsAre("sequential", "thread-per-connection",
                                                  "thread-pool", "epoll", "coroutine", "io-uring"));
  for (const std::string& name : ModeNames()) EXPECT_EQ(ModeName(*ModeByName(name)), name);
  EXPECT_FALSE(ModeByName("unspecified"));
  EXPECT_FALSE(ModeByName("EPOLL"));
  EXPECT_FALSE(ModeByName(""));
  EXPECT_EQ(ModeName(static_cast<v1::Mode>(9)), "mode-9");
}

}  // namespace
}  // namespace handshake::report
