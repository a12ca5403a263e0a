#include "tests/server/storm/switch_driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "absl/strings/str_format.h"
#include "tests/server/storm/hand_over_table.h"

namespace handshake::test {

bool WaitUntil(const std::function<bool()>& condition, std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // NOLINT(sleep): a poll
  }
  return true;
}

double PercentileMs(std::vector<std::chrono::nanoseconds> values, double percent) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(percent / 100 * static_cast<double>(values.size()));
  const auto value = values[std::min(rank, values.size() - 1)];
  return std::chrono::duration<double, std::milli>(value).count();
}

bool SwitchDriver::Switch(server::Mode target, wire::Duration drain_timeout) {
  CheckCompleted();
  const server::Mode from = plane_.mode();
  if (draining_.empty()) {
    HandOverTable::Open(from, target);
  } else {
    HandOverTable::Close();
  }
  const int64_t generation = plane_.generation();
  const auto record = plane_.Switch({.target = target,
                                     .expected_generation = generation,
                                     .drain_timeout = drain_timeout,
                                     .request_id = "",
                                     .dry_run = false,
                                     .requested_by = "storm"});
  if (!record.ok()) {
    ADD_FAILURE() << server::ModeName(from) << " to " << server::ModeName(target) << ": "
                  << record.status();
    return false;
  }
  EXPECT_EQ(record->from, from);
  EXPECT_EQ(record->to, target);
  EXPECT_EQ(record->generation, generation + 1);
  EXPECT_EQ(plane_.mode(), target);
  draining_.push_back(record->id);
  switch_times_.push_back(record->switch_time);
  return true;
}

bool SwitchDriver::Settle() {
  return WaitUntil([this] {
    CheckCompleted();
    return draining_.empty();
  });
}

void SwitchDriver::CheckCompleted() {
  while (!draining_.empty()) {
    const auto record = plane_.GetSwitch(draining_.front());
    if (!record.ok()) {
      ADD_FAILURE() << "switch " << draining_.front() << " left no record: " << record.status();
    } else if (record->state == server::SwitchRecord::State::kDraining) {
      return;
    } else {
      Check(*record);
    }
    draining_.pop_front();
  }
}

void SwitchDriver::Check(const server::SwitchRecord& record) {
  EXPECT_EQ(record.state, server::SwitchRecord::State::kCompleted);
  EXPECT_EQ(record.in_flight, record.finished + record.failed + record.handed_over + record.lost)
      << "switch " << record.id << " from " << server::ModeName(record.from) << " to "
      << server::ModeName(record.to) << ": finished " << record.finished << ", failed "
      << record.failed << ", handed over " << record.handed_over << ", lost " << record.lost;
  EXPECT_EQ(record.lost, 0) << "switch " << record.id;
  handed_over_ += record.handed_over;
  lost_ += record.lost;
  last_ = record;
}

std::string SwitchDriver::SwitchTimes() const {
  return absl::StrFormat("p50 %.2f p99 %.2f max %.2f", PercentileMs(switch_times_, 50),
                         PercentileMs(switch_times_, 99), PercentileMs(switch_times_, 100));
}

}  // namespace handshake::test
