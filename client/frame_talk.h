// The client's side of the protocol `command`: a command, an answer, the next command.
#ifndef HANDSHAKE_CLIENT_FRAME_TALK_H_
#define HANDSHAKE_CLIENT_FRAME_TALK_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/answer_reader.h"
#include "client/input_lines.h"
#include "client/talk.h"

namespace handshake::client {

// The message of a command with headers. INVALID_ARGUMENT: there is no argument, one of them cannot
// stand in a line, a header is not "Name: value", something is not UTF-8, or all of it is too long.
absl::StatusOr<std::string> MakeFrame(const std::vector<std::string>& arguments,
                                      const std::vector<std::string>& headers);

struct FrameTalkOptions {
  std::string server;                                          // its address
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);  // for the greeting, for each answer
  std::optional<std::string> message;  // the only one, of MakeFrame(); no input is read
  bool prompt = false;                 // a person is at both ends: greeting and prompts are printed
};

// Waits for the greeting; then sends each line of the input as a command, empty ones left out, the
// next one when the last is answered. Answers are printed as answer_reader.h says, errors are
// complained of. Behind the end of the input goes QUIT, whose answer is not printed; a typed QUIT
// is a command like any other and ends the talk as well. With `message` the talk ends with its
// answer.
//
// The end is kServerError if any answer was ERROR; kCut if the server closed, broke the connection
// or was silent too long, unless its last word was ERROR; kBadInput if a line may not be sent,
// which is complained of and ends the input.
class FrameTalk final : public Talk {
 public:
  FrameTalk(FrameTalkOptions options, Complainer complain, TimePoint now);

  bool WantsInput() const override;
  std::optional<TimePoint> deadline() const override;
  void OnInput(std::string_view bytes, TimePoint now) override;
  void OnInputEnd(TimePoint now) override;
  void OnReceived(std::string_view bytes, TimePoint now) override;
  void OnProgress(TimePoint /*now*/) override {}
  void OnTime() override;
  void OnFin() override;
  void OnBroken(int error) override;

 private:
  enum class Stage : uint8_t {
    kGreeting,  // wait for it
    kIdle,      // nothing is asked
    kAnswer,    // wait for it
    kQuit,      // wait for the end of the server's stream
  };

  void Ask(std::string_view message, Stage stage, TimePoint now);
  void AskNext(TimePoint now);
  void Take(const Answer& answer, TimePoint now);
  void TakeError(const Answer& answer);
  void Quit(TimePoint now);
  // "greeting", "answer": what is waited for.
  std::string_view Awaited() const;
  void EndCut(std::string text);
  void EndInOrder();

  const FrameTalkOptions options_;
  const Complainer complain_;
  InputLines input_;
  AnswerReader answers_;
  Stage stage_ = Stage::kGreeting;
  TimePoint since_;          // of the stage
  bool typed_quit_ = false;  // its answer is printed
  bool input_ended_ = false;
  bool prompt_due_ = false;
  bool bad_input_ = false;
  bool had_error_ = false;       // some answer
  bool last_was_error_ = false;  // the last answer
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_FRAME_TALK_H_
