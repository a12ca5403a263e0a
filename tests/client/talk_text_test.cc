#include "client/talk_text.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>

namespace handshake::client {
namespace {

TEST(TalkTextTest, KnowsAnErrorLine) {
  for (const char* line : {"ERROR IDLE", "ERROR IDLE no byte for 60s", "ERROR TIMEOUT_STEP_1 x"}) {
    EXPECT_TRUE(IsErrorLine(line)) << line;
  }
  for (const char* line : {"", "ERROR", "ERROR ", "ERROR  x", "ERROR idle", "ERRORS A", " ERROR A",
                           "ERROR A: x", "error A"}) {
    EXPECT_FALSE(IsErrorLine(line)) << line;
  }
}

TEST(TalkTextTest, TakesOffOneTerminator) {
  EXPECT_EQ(WithoutTerminator("a\n"), "a");
  EXPECT_EQ(WithoutTerminator("a\r\n"), "a");
  EXPECT_EQ(WithoutTerminator("a\r\r\n"), "a\r");
  EXPECT_EQ(WithoutTerminator("\n"), "");
  EXPECT_EQ(WithoutTerminator("a"), "a");
}

TEST(TalkTextTest, SaysWhatToDo) {
  EXPECT_EQ(BrokenText("127.0.0.1:7010", ECONNRESET, "answers may be missing"),
            "the connection to 127.0.0.1:7010 was reset by the server: answers may be missing; "
            "look at the server's log, then connect again");
  EXPECT_EQ(BrokenText("127.0.0.1:7010", ETIMEDOUT, "answers may be missing"),
            "the connection to 127.0.0.1:7010 was lost (Connection timed out): answers may be "
            "missing; look at the server's log, then connect again");
  EXPECT_EQ(SilentText("127.0.0.1:7010", "greeting", std::chrono::milliseconds(1'500)),
            "no greeting from 127.0.0.1:7010 within 1.5s; is it the right port? a longer "
            "--timeout waits on");
}

}  // namespace
}  // namespace handshake::client
