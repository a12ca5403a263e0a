#include "client/answer_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace handshake::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Result = AnswerReader::Result;

TEST(AnswerReaderTest, EveryCutGivesTheSameAnswers) {
  const std::string text =
      "OK epoll\r\nGeneration: 3\r\nA: b\r\n\r\nERROR MALFORMED x\r\n\r\nOK\n\n";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    AnswerReader reader;
    std::vector<Answer> answers;
    for (const std::string& part : {text.substr(0, cut), text.substr(cut)}) {
      reader.Add(part);
      Answer answer;
      while (reader.Next(&answer) == Result::kAnswer) answers.push_back(answer);
    }
    ASSERT_EQ(answers.size(), 3u) << cut;
    EXPECT_EQ(answers[0].first, "OK epoll");
    EXPECT_THAT(answers[0].headers, ElementsAre("Generation: 3", "A: b"));
    EXPECT_EQ(answers[1].first, "ERROR MALFORMED x");
    EXPECT_EQ(answers[2].first, "OK");
    EXPECT_THAT(answers[2].headers, IsEmpty());
    EXPECT_EQ(reader.rest(), "");
  }
}

TEST(AnswerReaderTest, WhatDoesNotBeginLikeAnAnswerIsKnownAtItsFirstLine) {
  for (const char* wrong : {"SSH-2.0-x\r\n", "\r\n", "OKAY\r\n", "ok x\r\n", "HELLO 7\n"}) {
    AnswerReader reader;
    reader.Add(wrong);
    Answer answer;
    EXPECT_EQ(reader.Next(&answer), Result::kNoAnswer) << wrong;
    EXPECT_EQ(reader.rest(), wrong);
  }
}

TEST(AnswerReaderTest, TheLongestAnswerIsTakenAndOneByteMoreIsNot) {
  for (const size_t more : {0, 1}) {
    AnswerReader reader;
    std::string longest = "OK " + std::string(kMaxFrameBytes - 7 + more, 'x') + "\r\n\r\n";
    ASSERT_EQ(longest.size(), kMaxFrameBytes + more);
    reader.Add(longest);
    Answer answer;
    EXPECT_EQ(reader.Next(&answer), more == 0 ? Result::kAnswer : Result::kNoAnswer);
  }
  AnswerReader endless;
  endless.Add("OK " + std::string(kMaxFrameBytes, 'x'));
  Answer answer;
  EXPECT_EQ(endless.Next(&answer), Result::kNoAnswer);
}

TEST(AnswerReaderTest, PrintsWhatIsBehindOkAndTheHeaders) {
  EXPECT_EQ(Printed({"OK PONG", {}}), "PONG\n");
  EXPECT_EQ(Printed({"OK epoll", {"Generation: 3"}}), "epoll\nGeneration: 3\n");
  EXPECT_EQ(Printed({"OK", {"Accepted: 12", "Completed: 11"}}), "Accepted: 12\nCompleted: 11\n");
  EXPECT_EQ(Printed({"OK", {}}), "OK\n");
  EXPECT_EQ(Printed({"OK ", {}}), "OK\n");
}

}  // namespace
}  // namespace handshake::client
