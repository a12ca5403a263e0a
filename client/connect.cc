#include "client/connect.h"

#include <poll.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "client/dial.h"
#include "client/handshake_io.h"

namespace handshake::client {
namespace {

using wire::ClientHandshake;
using wire::Clock;
using wire::Need;
using wire::Stage;
using wire::TimePoint;
using wire::Verdict;

// One call of Connect(): what it does and what it says about it.
class WatchedHandshake {
 public:
  WatchedHandshake(const ConnectOptions& options,
                   const std::function<void(const ConnectEvent&)>& on_event)
      : options_(options), on_event_(on_event), start_(Clock::now()) {}

  Verdict Run() {
    Verdict verdict = Open();
    if (verdict == Verdict::kOk) verdict = Converse();
    if (verdict == Verdict::kNone) return verdict;
    Say(absl::StrFormat("%s: %s", wire::VerdictName(verdict), wire::VerdictText(verdict)));
    return verdict;
  }

 private:
  // kOk: connected. kNone: stopped.
  Verdict Open() {
    Dialled dialled = Establish(options_.target, start_ + options_.connect_timeout, options_.stop);
    if (dialled.error == ECANCELED) return Verdict::kNone;
    if (dialled.error != 0) {
      Say(absl::StrFormat("cannot connect to %s: %s", options_.target.ToString(),
                          std::strerror(dialled.error)));
      return VerdictOfConnectError(dialled.error);
    }
    fd_ = std::move(dialled.fd);
    Say(absl::StrFormat("connected to %s from %s", options_.target.ToString(),
                        net::Address::OfSocket(fd_.get()).ToString()));
    return Verdict::kOk;
  }

  Verdict Converse() {
    ClientHandshake handshake(options_.handshake, options_.sequence, Clock::now());
    while (handshake.need() != Need::kEnd) {
      const Stage before = handshake.stage();
      if (TakeStep(handshake, fd_.get())) {
        SayMessage(handshake, before);
        continue;
      }
      const short events = handshake.need() == Need::kWrite ? POLLOUT : POLLIN;
      const Waited waited = WaitUntil(fd_.get(), events, handshake.deadline(), options_.stop);
      if (waited == Waited::kTimedOut) handshake.OnTime(Clock::now());
      if (waited != Waited::kStopped) continue;
      CloseAs(wire::Ending::kReset, fd_);
      return Verdict::kNone;
    }
    SayEnd(handshake);
    CloseAs(handshake.ending(), fd_);
    return handshake.verdict();
  }

  // The step that led out of stage `before` may have completed a message.
  void SayMessage(const ClientHandshake& handshake, Stage before) {
    const int64_t x = handshake.sequence();
    if (handshake.stage() == before) return;
    if (handshake.stage() == Stage::kReadReply) Say(absl::StrFormat("-> HELLO %d", x));
    if (handshake.stage() == Stage::kProbe) Say(absl::StrFormat("<- HELLO %d", x + 1));
    if (handshake.stage() == Stage::kReadEnd) Say(absl::StrFormat("-> HELLO %d", x + 2));
  }

  void SayEnd(const ClientHandshake& handshake) {
    const Verdict verdict = handshake.verdict();
    const std::string_view unused = handshake.input();
    if (!unused.empty()) {
      Say("<- " + absl::CHexEscape(absl::string_view(unused.data(), unused.size())));
    }
    const bool gone = Verdict::kPeerGoneStep1 <= verdict && verdict <= Verdict::kPeerGoneStep3;
    const bool reset = Verdict::kPeerResetStep1 <= verdict && verdict <= Verdict::kPeerResetStep3;
    if (verdict == Verdict::kOk || gone) Say("closed by server (FIN)");
    if (reset) Say("connection broken (RST)");
  }

  void Say(std::string text) { on_event_({.at = Clock::now() - start_, .text = std::move(text)}); }

  const ConnectOptions& options_;
  const std::function<void(const ConnectEvent&)>& on_event_;
  const TimePoint start_;
  net::UniqueFd fd_;
};

}  // namespace

Verdict Connect(const ConnectOptions& options,
                const std::function<void(const ConnectEvent&)>& on_event) {
  return WatchedHandshake(options, on_event).Run();
}

}  // namespace handshake::client
