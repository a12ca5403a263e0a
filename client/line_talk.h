// The client's side of the protocol `lines`: a line in, a line out.
#ifndef HANDSHAKE_CLIENT_LINE_TALK_H_
#define HANDSHAKE_CLIENT_LINE_TALK_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "client/input_lines.h"
#include "client/talk.h"

namespace handshake::client {

// Bytes of a line, its terminator included.
inline constexpr size_t kMaxLineBytes = 8'192;

// Sends whole lines of the input as they are, up to its end or a line `exit`, whatever comes first;
// then ends our stream. Prints what the server says as it comes, but for
// - a line PING, which is answered with a line PONG, unless another line is on its way to the
//   server, which answers it as well, or our stream has ended;
// - a line ERROR CODE text at the very end of its stream: the end of the talk, kServerError. One
//   that is the echo of our own last line is printed like any other.
// The server's FIN is kDone if our stream had ended, else kCut. A line that may not be sent is
// complained of, ends our stream, and makes the end kBadInput. Once our stream has ended, the
// server may be silent for `timeout`; one whose words wait to be printed is not silent.
class LineTalk final : public Talk {
 public:
  LineTalk(std::string server, std::chrono::nanoseconds timeout, Complainer complain);

  bool WantsInput() const override { return !said_all(); }
  std::optional<TimePoint> deadline() const override;
  void OnInput(std::string_view bytes, TimePoint now) override;
  void OnInputEnd(TimePoint now) override;
  void OnReceived(std::string_view bytes, TimePoint now) override;
  void OnProgress(TimePoint now) override { last_progress_ = now; }
  void OnTime() override;
  void OnFin() override;
  void OnBroken(int error) override;

 private:
  void SendLines();
  // A whole line of the server; `last`: nothing was received behind it.
  enum class Fate : uint8_t { kTaken, kWaits };
  Fate TakeLine(std::string_view line, bool last);
  void AnswerPing();
  // Prints what is held back; false: it is an error line, the end of the talk.
  bool ReleaseHeld();
  void EndUnlessBadInput(TalkEnd::Kind kind, std::string text = "");

  const std::string server_;  // its address
  const std::chrono::nanoseconds timeout_;
  const Complainer complain_;
  InputLines input_{kMaxLineBytes};
  bool bad_input_ = false;
  std::string last_sent_;     // our last line
  std::string held_;          // what the server said of a line that may be PING or ERROR
  bool within_line_ = false;  // the beginning of the server's line was printed
  TimePoint last_progress_{};
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_LINE_TALK_H_
