// Load runs of a test: started, and waited for.
#ifndef HANDSHAKE_TESTS_SUPPORT_LOAD_RUNS_H_
#define HANDSHAKE_TESTS_SUPPORT_LOAD_RUNS_H_

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "client/load_run.h"

namespace handshake::test {

// Null, and the test has failed: it could not be started.
inline std::unique_ptr<client::LoadRun> Start(const client::LoadSpec& spec) {
  absl::StatusOr<std::unique_ptr<client::LoadRun>> run = client::LoadRun::Start(spec);
  EXPECT_TRUE(run.ok()) << run.status();
  return run.ok() ? *std::move(run) : nullptr;
}

// Looks at its report again and again; false after 30 s.
inline bool ReportComesTo(const client::LoadRun& run,
                          const std::function<bool(const client::LoadReport&)>& condition) {
  const auto deadline = wire::Clock::now() + std::chrono::seconds(30);
  while (wire::Clock::now() < deadline) {
    if (condition(run.Report())) return true;
    run.WaitFor(std::chrono::milliseconds(2));
  }
  return false;
}

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_LOAD_RUNS_H_
