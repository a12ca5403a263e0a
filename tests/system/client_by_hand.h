// The talks of handshake-client as people and scripts start them.
#ifndef HANDSHAKE_TESTS_SYSTEM_CLIENT_BY_HAND_H_
#define HANDSHAKE_TESTS_SYSTEM_CLIENT_BY_HAND_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/control/ctl/process.h"

namespace handshake::testing {

// Runs shell commands in which $client is handshake-client.
inline Ended Shell(const std::string& commands) {
  return RunToEnd("/bin/sh", {"-c", "client='" HANDSHAKE_CLIENT "'; " + commands});
}

// One line on stderr, with these words.
inline void ExpectComplaint(const Ended& ended, int exit_code, const std::string& words) {
  EXPECT_EQ(ended.exit_code, exit_code);
  EXPECT_THAT(ended.err, ::testing::AllOf(::testing::StartsWith("handshake-client: "),
                                          ::testing::HasSubstr(words)));
  EXPECT_EQ(ended.err.find('\n'), ended.err.size() - 1) << ended.err;
}

}  // namespace handshake::testing

#endif  // HANDSHAKE_TESTS_SYSTEM_CLIENT_BY_HAND_H_
