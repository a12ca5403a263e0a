#include "common/wire/message.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace handshake::wire {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::string Format(int64_t number, std::string_view terminator = "") {
  std::array<char, kMaxValidMessageBytes> buffer;
  return {buffer.data(), FormatMessage(number, terminator, buffer)};
}

std::vector<int64_t> InterestingNumbers() {
  std::vector<int64_t> numbers = {kMin, kMin + 1, kMax, kMax - 1, kMaxSequence, kMaxSequence + 1};
  for (int64_t n = -1'100; n <= 1'100; ++n) numbers.push_back(n);
  for (int64_t power = 1; power <= kMax / 10; power *= 10) {
    for (int64_t n : {power - 1, power, power + 1}) numbers.insert(numbers.end(), {n, -n});
  }
  return numbers;
}

TEST(FormatMessage, WritesPrefixNumberAndTerminator) {
  EXPECT_EQ(Format(100), "HELLO 100");
  EXPECT_EQ(Format(-7, "\n"), "HELLO -7\n");
  EXPECT_EQ(Format(0, "\r\n"), "HELLO 0\r\n");
}

TEST(FormatMessage, TheLongestMessageFitsExactly) {
  EXPECT_EQ(Format(kMin, "\r\n"), "HELLO -9223372036854775808\r\n");
  EXPECT_EQ(Format(kMin, "\r\n").size(), kMaxValidMessageBytes);
}

TEST(ParseMessage, ReadsBackWhatFormatWrote) {
  for (int64_t number : InterestingNumbers()) {
    const ParsedMessage message = ParseMessage(Format(number));
    EXPECT_EQ(message.verdict, Verdict::kOk) << number;
    EXPECT_EQ(message.number, number);
  }
}

TEST(ParseMessage, RefusesWhatIsNotCanonical) {
  for (std::string_view text : {"",
                                "H",
                                "HELLO",
                                "HELLO ",
                                "hello 1",
                                "HELLO  1",
                                "HELLO 1 ",
                                " HELLO 1",
                                "HELLO +1",
                                "HELLO -",
                                "HELLO -0",
                                "HELLO 00",
                                "HELLO 01",
                                "HELLO -01",
                                "HELLO --1",
                                "HELLO 1-",
                                "HELLO 1.0",
                                "HELLO 1e3",
                                "HELLO 0x1",
                                "HELLO\t1",
                                "HELLO 1\r",
                                "HELLO 1\n",
                                "HELLO1",
                                "HELLO one",
                                "ERROR 1",
                                "HELLO 1HELLO 2",
                                "HELLO \xd9\xa1",
                                "HELLO 00000000000000000001"}) {
    EXPECT_EQ(ParseMessage(text).verdict, Verdict::kMalformed) << text;
  }
  EXPECT_EQ(ParseMessage(std::string_view("HELLO 1\0", 8)).verdict, Verdict::kMalformed);
  EXPECT_EQ(ParseMessage(std::string_view("HELLO \0", 7)).verdict, Verdict::kMalformed);
}

TEST(ParseMessage, TellsOverflowFromMalformed) {
  for (std::string_view text :
       {"HELLO 9223372036854775808", "HELLO -9223372036854775809", "HELLO 18446744073709551616",
        "HELLO 99999999999999999999999999999999999999999999999999999999"}) {
    EXPECT_EQ(ParseMessage(text).verdict, Verdict::kOverflow) << text;
  }
}

// Every text of up to 4 characters of an alphabet that holds each kind of character, behind every
// prefix that matters: the parser agrees with a grammar written another way.
TEST(ParseMessage, AgreesWithTheGrammarOnAllSmallTexts) {
  constexpr std::string_view kAlphabet = "0129-+ \r\nHx";
  std::vector<std::string> tails = {""};
  for (size_t begin = 0, length = 1; length <= 4; ++length) {
    const size_t end = tails.size();
    for (; begin < end; ++begin) {
      for (char c : kAlphabet) tails.push_back(tails[begin] + c);
    }
  }
  for (const std::string& tail : tails) {
    bool canonical = false;
    for (int64_t number = -999; number <= 9'999 && !canonical; ++number) {
      if (tail.size() > 4 || tail.find_first_of("+ \r\nHx") != std::string::npos) break;
      canonical = tail == std::to_string(number);
    }
    ASSERT_EQ(ParseMessage("HELLO " + tail).verdict == Verdict::kOk, canonical) << tail;
    ASSERT_EQ(ParseMessage("HELO " + tail).verdict, Verdict::kMalformed) << tail;
  }
}

TEST(CanContinue, EveryProperPrefixOfAMessageCan) {
  for (int64_t number : InterestingNumbers()) {
    const std::string message = Format(number);
    for (size_t length = 0; length < message.size(); ++length) {
      EXPECT_TRUE(CanContinue(message.substr(0, length))) << message << " cut at " << length;
    }
  }
}

// The definition itself: a text can continue if one more byte makes it valid or able to continue.
TEST(CanContinue, IsExact) {
  std::vector<std::string> texts = {"",        "x",        "HELLO 007", "HELLO +", "HELLO --",
                                    "HELLO 0", "HELLO -0", "HELLO 1 ",  "HELLO 1x"};
  for (int64_t number : InterestingNumbers()) {
    const std::string message = Format(number);
    for (size_t length = 0; length <= message.size(); ++length) {
      texts.push_back(message.substr(0, length));
    }
    texts.push_back(message + "0");
    texts.push_back(message + "\n");
  }
  for (const std::string& text : texts) {
    bool can = false;
    for (int c = 0; c < 256 && !can; ++c) {
      const std::string longer = text + static_cast<char>(c);
      can = ParseMessage(longer).verdict == Verdict::kOk || CanContinue(longer);
    }
    EXPECT_EQ(CanContinue(text), can) << text;
  }
}

TEST(CanContinue, KnowsTheEdgesOfInt64) {
  EXPECT_TRUE(CanContinue("HELLO 922337203685477580"));
  EXPECT_FALSE(CanContinue("HELLO 922337203685477581"));
  EXPECT_TRUE(CanContinue("HELLO -922337203685477580"));
  EXPECT_FALSE(CanContinue("HELLO -922337203685477581"));
  EXPECT_FALSE(CanContinue(Format(kMax)));
  EXPECT_FALSE(CanContinue(Format(kMin)));
  EXPECT_FALSE(CanContinue("HELLO 99999999999999999999"));
}

}  // namespace
}  // namespace handshake::wire
