#include "common/log/patient_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "common/log/log.h"
#include "common/net/unique_fd.h"
#include "spdlog/logger.h"

namespace handshake::log {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class PatientSinkTest : public testing::Test {
 protected:
  void SetUp() override {
    int fds[2];
    ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
    reader_.reset(fds[0]);
    writer_.reset(fds[1]);
    logger_ = std::make_unique<spdlog::logger>("", std::make_shared<PatientSink>(writer_.get()));
    logger_->set_formatter(MakeJsonFormatter());
  }

  // All that is in the pipe.
  std::string Read() {
    std::string text;
    fcntl(reader_.get(), F_SETFL, O_NONBLOCK);
    char part[4'096];
    for (ssize_t n; (n = read(reader_.get(), part, sizeof(part))) > 0;) {
      text.append(part, static_cast<size_t>(n));
    }
    return text;
  }

  net::UniqueFd reader_;
  net::UniqueFd writer_;
  std::unique_ptr<spdlog::logger> logger_;
};

TEST_F(PatientSinkTest, NobodyWaitsForAReader) {
  constexpr int kLines = 5'000;  // several times what a pipe holds
  for (int i = 0; i < kLines; ++i) logger_->info("line {}", i);
  const std::string before = Read();
  const auto written = std::count(before.begin(), before.end(), '\n');
  EXPECT_GT(written, 100);
  EXPECT_LT(written, kLines);
  EXPECT_THAT(before, EndsWith("\n")) << "lines are whole";

  logger_->info("the reader is back");
  const std::string after = Read();
  EXPECT_THAT(after, HasSubstr(std::to_string(kLines - written) +
                               " log lines could not be written and were left out\"}\n"));
  EXPECT_THAT(after, EndsWith("the reader is back\"}\n"));
  logger_->info("and stays");
  EXPECT_THAT(Read(), Not(HasSubstr("left out")));
}

TEST_F(PatientSinkTest, AFullDiskIsNoReaderEither) {
  const net::UniqueFd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  const int pipe = dup(writer_.get());
  ASSERT_EQ(dup2(full.get(), writer_.get()), writer_.get());
  logger_->info("nowhere");
  logger_->info("to go");
  ASSERT_EQ(dup2(pipe, writer_.get()), writer_.get());
  close(pipe);
  logger_->info("room again");
  EXPECT_THAT(Read(), HasSubstr("2 log lines could not be written"));
}

TEST_F(PatientSinkTest, ALineIsNeverLongerThanGoesThroughAtOnce) {
  logger_->info("{}", std::string(100'000, '\x1b'));
  const std::string line = Read();
  EXPECT_LE(line.size(), size_t{PIPE_BUF});
  EXPECT_THAT(line, EndsWith("\"}\n"));
}

}  // namespace
}  // namespace handshake::log
