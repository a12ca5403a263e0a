// One strict client of the storm: it obeys the protocol to the letter, may fall silent at one point
// of it, and classifies how its connection ended. It shares no code with the product's wire rules.
#ifndef HANDSHAKE_TESTS_SERVER_STORM_STORM_CLIENT_H_
#define HANDSHAKE_TESTS_SERVER_STORM_STORM_CLIENT_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/net/address.h"
#include "common/net/reactor.h"
#include "common/net/unique_fd.h"
#include "tests/server/storm/hold_point.h"

namespace handshake::test {

// How a connection ended. "Lost" is the server's fault: connected, the protocol kept, and yet not
// the right answer followed by a clean FIN.
enum class Outcome : uint8_t {
  kPending,
  kOk,
  kLostReset,
  kLostEarlyFin,
  kLostWrongAnswer,
  kLostHung,
  kRefused,   // connect() was refused
  kOwnError,  // a shortage on this side (port, file descriptor), or connect() found no answer
};
inline constexpr int kOutcomeCount = 8;
inline constexpr std::array<std::string_view, kOutcomeCount> kOutcomeNames = {
    "pending",           "ok",        "lost_reset", "lost_early_fin",
    "lost_wrong_answer", "lost_hung", "refused",    "own_error"};

struct ClientPlan {
  net::Address server;
  net::Address source;  // 127.x.y.z with port 0
  HoldPoint hold = HoldPoint::kNever;
  bool bare = false;      // no terminators
  bool one_byte = false;  // every byte waits for Nudge(); `hold` is kNever
};

// Used by one thread, driven by its owner's loop: Begin(), then OnReady() when the reactor has an
// event for the tag and OnTime() when deadline() has passed, until outcome() is not kPending.
// Then it holds no socket, and Begin() may follow again.
class StormClient {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  StormClient(const ClientPlan& plan, net::Reactor& reactor, uint64_t tag)
      : plan_(plan), reactor_(reactor), tag_(tag) {}

  // silence: how long it is silent at its hold point.
  void Begin(int64_t sequence, std::chrono::milliseconds silence, TimePoint now);
  void OnReady(TimePoint now);
  void OnTime(TimePoint now);
  // Ends a silence; a one-byte client sends its next byte.
  void Nudge(TimePoint now);
  // From now on there are no silences.
  void Hurry() { hurry_ = true; }

  Outcome outcome() const { return outcome_; }
  bool connected() const { return connected_; }
  bool silent() const { return silent_; }
  TimePoint deadline() const { return silent_ ? silent_until_ : give_up_at_; }
  // When it began, or when its silence ended: what it has waited since then is the server's doing.
  TimePoint waiting_since() const { return waiting_since_; }
  const ClientPlan& plan() const { return plan_; }

 private:
  enum class Stage : uint8_t { kConnect, kHello, kAnswer, kConfirm, kEnd };

  // Goes on until it has to wait.
  void Proceed(TimePoint now);
  // Each does its stage and says whether the next one can begin.
  bool FinishConnect();
  bool SendText(HoldPoint halfway, size_t half, TimePoint now);
  bool ReadAnswer();
  void ReadEnd();

  bool FallSilent(HoldPoint point, TimePoint now);
  void Silence(TimePoint until);
  void WatchReadable(bool readable);
  void End(Outcome outcome);
  std::string Message(int64_t number) const;

  const ClientPlan plan_;
  net::Reactor& reactor_;
  const uint64_t tag_;
  net::UniqueFd fd_;
  Stage stage_ = Stage::kConnect;
  Outcome outcome_ = Outcome::kOk;
  int64_t sequence_ = 0;
  std::chrono::milliseconds silence_{};
  TimePoint waiting_since_, give_up_at_, silent_until_;
  bool connected_ = false;
  bool silent_ = false;
  bool held_ = false;  // the silence of the plan has been kept
  bool hurry_ = false;
  bool byte_due_ = false;
  std::string text_;    // still to be sent
  std::string answer_;  // read so far
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SERVER_STORM_STORM_CLIENT_H_
