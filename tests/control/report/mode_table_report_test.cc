#include "control/report/mode_table_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace handshake::report {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What is tried of a server that serves at most `capacity`.
std::vector<int64_t> Tried(ServedSearch& search, int64_t capacity) {
  std::vector<int64_t> tried;
  while (search.next() > 0 && tried.size() < 100) {
    tried.push_back(search.next());
    search.Tell(search.next() <= capacity);
  }
  return tried;
}

TEST(ServedSearchTest, DoublesAndThenHalves) {
  ServedSearch search(10'000);
  EXPECT_THAT(Tried(search, 700), ElementsAre(64, 128, 256, 512, 1'024, 768, 640, 704));
  EXPECT_EQ(search.served(), 640);
  EXPECT_FALSE(search.all());
}

TEST(ServedSearchTest, EndsWithAllThatMayBeTried) {
  ServedSearch search(300);
  EXPECT_THAT(Tried(search, 1'000'000), ElementsAre(64, 128, 256, 300));
  EXPECT_EQ(search.served(), 300);
  EXPECT_TRUE(search.all());
  ServedSearch few(1);
  EXPECT_THAT(Tried(few, 1), ElementsAre(1));
  EXPECT_TRUE(few.all());
}

TEST(ServedSearchTest, GoesDownToOneAndToNone) {
  ServedSearch one(10'000);
  EXPECT_THAT(Tried(one, 1), ElementsAre(64, 32, 16, 8, 4, 2, 1));
  EXPECT_EQ(one.served(), 1);
  ServedSearch none(10'000);
  Tried(none, 0);
  EXPECT_EQ(none.served(), 0);
  EXPECT_FALSE(none.all());
}

TEST(ServedSearchTest, IsAlwaysWithinAnEighth) {
  for (int64_t capacity = 1; capacity < 5'000; capacity += 37) {
    ServedSearch search(4'000);
    EXPECT_LT(Tried(search, capacity).size(), 20u);
    const int64_t most = std::min<int64_t>(capacity, 4'000);
    EXPECT_LE(search.served(), most);
    EXPECT_GE(search.served() + std::max<int64_t>(search.served() / 8, 1), most) << capacity;
  }
}

TEST(ServedSearchTest, AMachinesLimitEndsIt) {
  ServedSearch search(10'000);
  search.Tell(true);
  search.Tell(true);
  search.Limit(search.served());
  EXPECT_EQ(search.next(), 0);
  EXPECT_EQ(search.served(), 128);
  EXPECT_TRUE(search.all());
}

TEST(AllServedTest, OneThatFailedOrWasCutIsOneTooMany) {
  v1::LoadRun run;
  run.mutable_spec()->set_concurrency(4);
  run.set_ok_count(4);
  EXPECT_TRUE(AllServed(run));
  run.set_ok_count(3);
  EXPECT_FALSE(AllServed(run));
  run.set_ok_count(4'000);
  run.set_in_flight_count(1);
  EXPECT_FALSE(AllServed(run));
  run.set_in_flight_count(0);
  run.set_failed_count(1);
  EXPECT_FALSE(AllServed(run));
}

TEST(ModeTablePageTest, OneLineAModeAndHowItWasMeasured) {
  v1::ModeTable table;
  v1::ModeTableRow& pool = *table.add_rows();
  pool.set_name("thread-pool");
  pool.set_held_count(4);
  pool.set_served_count(9'216);
  pool.set_cpu_us(41.25);
  pool.set_overload_client_count(18'432);
  pool.set_overload_started_count(1'000);
  pool.set_overload_failed_count(25);
  v1::ModeTableRow& epoll = *table.add_rows();
  epoll.set_name("epoll");
  epoll.set_held_count(10'000);
  epoll.set_held_all(true);
  epoll.set_held_bytes(0);
  epoll.set_served_count(10'000);
  epoll.set_served_all(true);
  v1::ModeTableRow& ring = *table.add_rows();
  ring.set_name("io-uring");
  ring.set_unavailable_reason("the kernel\x1b forbids it");
  const std::string page = ModeTablePage(table, {});
  EXPECT_THAT(page, ContainsRegex("thread-pool +4 +9,216 +- +41.2 +2.5% at 18,432\n"
                                  "epoll +10,000\\+ +10,000\\+ +0 +- +-\n"
                                  "io-uring +- +- +- +- +-\n"));
  EXPECT_THAT(page, AllOf(HasSubstr("\nio-uring: the kernel? forbids it\n"),
                          HasSubstr("HELD          most connections past message 2")));
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

}  // namespace
}  // namespace handshake::report
