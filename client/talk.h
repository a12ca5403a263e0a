// What a person or a script and a server say to each other: bytes and time in, bytes and an ending
// out. Knows no descriptor; duplex.h moves the bytes.
#ifndef HANDSHAKE_CLIENT_TALK_H_
#define HANDSHAKE_CLIENT_TALK_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace handshake::client {

// How a talk ended. `text`: one line for the person, empty if there is nothing to say.
struct TalkEnd {
  enum class Kind : uint8_t {
    kDone,         // in order
    kServerError,  // the server said ERROR
    kBadInput,     // a line of the input may not be sent, or the input cannot be read
    kCut,          // closed early, broken, silent for too long, or the output cannot be written
  };
  Kind kind = Kind::kDone;
  std::string text;
};

// Tells the person one line while the talk goes on.
using Complainer = std::function<void(std::string_view)>;

// Owned by one thread. Its driver sends what to_server() holds and prints what to_output() holds,
// takes that from their fronts, and reads no more while they are full: nothing here grows unless
// the driver feeds it. After end() there is a value only to_output() still matters.
class Talk {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Talk() = default;

  std::string& to_server() { return to_server_; }
  std::string& to_output() { return to_output_; }
  const std::string& to_output() const { return to_output_; }
  // Nothing is added to to_server() any more: behind it goes the end of our stream.
  bool said_all() const { return said_all_; }
  const std::optional<TalkEnd>& end() const { return end_; }

  // May input be read now?
  virtual bool WantsInput() const = 0;
  // When OnTime() is due.
  virtual std::optional<TimePoint> deadline() const = 0;

  virtual void OnInput(std::string_view bytes, TimePoint now) = 0;
  virtual void OnInputEnd(TimePoint now) = 0;
  virtual void OnReceived(std::string_view bytes, TimePoint now) = 0;
  // Some bytes of to_server() or to_output() are gone.
  virtual void OnProgress(TimePoint now) = 0;
  virtual void OnTime() = 0;
  // The server's stream ended; all that came before was received. Sets end().
  virtual void OnFin() = 0;
  // The connection broke with this errno. Sets end().
  virtual void OnBroken(int error) = 0;

 protected:
  // The first one counts.
  void End(TalkEnd::Kind kind, std::string text = "") {
    if (!end_) end_ = TalkEnd{kind, std::move(text)};
  }
  void SaidAll() { said_all_ = true; }

 private:
  std::string to_server_;
  std::string to_output_;
  bool said_all_ = false;
  std::optional<TalkEnd> end_;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_TALK_H_
