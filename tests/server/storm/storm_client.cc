#include "tests/server/storm/storm_client.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace handshake::test {
namespace {

// Twice the server's longest deadline: a connection that lives longer is hung.
constexpr std::chrono::seconds kPatience{20};
// Message 1 cut where no framing can take it for complete.
constexpr size_t kHalfHelloBytes = 6;

// The silence of a one-byte client, in effect without end.
constexpr std::chrono::hours kUntilNudged{1};

Outcome OutcomeOfError(int error) {
  return error == ECONNRESET || error == EPIPE ? Outcome::kLostReset : Outcome::kOwnError;
}

}  // namespace

void StormClient::Begin(int64_t sequence, std::chrono::milliseconds silence, TimePoint now) {
  sequence_ = sequence;
  silence_ = silence;
  waiting_since_ = now;
  give_up_at_ = now + kPatience;
  stage_ = Stage::kConnect;
  outcome_ = Outcome::kPending;
  connected_ = silent_ = held_ = byte_due_ = false;
  text_.clear();
  answer_.clear();
  fd_.reset(socket(plan_.server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return End(Outcome::kOwnError);
  // The port is chosen by connect(), so that one serves many targets at a time.
  const int on = 1;
  setsockopt(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  if (bind(fd_.get(), plan_.source.data(), plan_.source.size()) != 0) {
    return End(Outcome::kOwnError);
  }
  if (connect(fd_.get(), plan_.server.data(), plan_.server.size()) != 0 && errno != EINPROGRESS) {
    return End(errno == ECONNREFUSED ? Outcome::kRefused : Outcome::kOwnError);
  }
  if (reactor_.Watch(fd_.get(), tag_, net::Reactor::kWritable) != 0) End(Outcome::kOwnError);
}

void StormClient::OnReady(TimePoint now) {
  if (outcome_ != Outcome::kPending) return;
  // Nothing is watched during a silence: only an error can have come.
  if (silent_) return End(Outcome::kLostReset);
  Proceed(now);
}

void StormClient::OnTime(TimePoint now) {
  if (outcome_ != Outcome::kPending || now < deadline()) return;
  if (silent_) return Nudge(now);
  End(connected_ ? Outcome::kLostHung : Outcome::kOwnError);
}

void StormClient::Nudge(TimePoint now) {
  if (outcome_ != Outcome::kPending || !silent_) return;
  silent_ = false;
  byte_due_ = true;
  waiting_since_ = now;
  give_up_at_ = now + kPatience;
  WatchReadable(true);
  Proceed(now);
}

void StormClient::Proceed(TimePoint now) {
  if (stage_ == Stage::kConnect) {
    if (!FinishConnect()) return;
    stage_ = Stage::kHello;
    text_ = Message(sequence_);
    if (FallSilent(HoldPoint::kNothingSent, now)) return;
  }
  if (stage_ == Stage::kHello) {
    if (!SendText(HoldPoint::kHalfHello, kHalfHelloBytes, now)) return;
    stage_ = Stage::kAnswer;
    if (FallSilent(HoldPoint::kAnswerNotRead, now)) return;
  }
  if (stage_ == Stage::kAnswer) {
    if (!ReadAnswer()) return;
    stage_ = Stage::kConfirm;
    text_ = Message(sequence_ + 2);
    if (FallSilent(HoldPoint::kAnswerRead, now)) return;
  }
  if (stage_ == Stage::kConfirm) {
    if (!SendText(HoldPoint::kHalfConfirm, Message(sequence_ + 2).size() / 2, now)) return;
    stage_ = Stage::kEnd;
  }
  ReadEnd();
}

bool StormClient::FinishConnect() {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    End(error == ECONNREFUSED ? Outcome::kRefused : OutcomeOfError(error));
    return false;
  }
  connected_ = true;
  WatchReadable(true);
  return true;
}

bool StormClient::SendText(HoldPoint halfway, size_t half, TimePoint now) {
  while (!text_.empty()) {
    size_t n = text_.size();
    if (plan_.one_byte && !hurry_) {
      if (!byte_due_) {
        Silence(now + kUntilNudged);
        return false;
      }
      byte_due_ = false;
      n = 1;
    } else if (plan_.hold == halfway && !held_ && !hurry_) {
      n = half;
    }
    const ssize_t sent = send(fd_.get(), text_.data(), n, MSG_NOSIGNAL);
    if (sent < 0) {
      End(OutcomeOfError(errno));
      return false;
    }
    text_.erase(0, static_cast<size_t>(sent));
    if (!text_.empty() && FallSilent(halfway, now)) return false;
  }
  return true;
}

bool StormClient::ReadAnswer() {
  const std::string expected = Message(sequence_ + 1);
  while (answer_.size() < expected.size()) {
    char buffer[64];
    const ssize_t n = recv(fd_.get(), buffer, sizeof(buffer), 0);
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) {
      End(n == 0 ? Outcome::kLostEarlyFin : OutcomeOfError(errno));
      return false;
    }
    answer_.append(buffer, static_cast<size_t>(n));
  }
  if (answer_ == expected) return true;
  End(Outcome::kLostWrongAnswer);
  return false;
}

void StormClient::ReadEnd() {
  char extra;
  const ssize_t n = recv(fd_.get(), &extra, 1, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n > 0) return End(Outcome::kLostWrongAnswer);
  End(n == 0 ? Outcome::kOk : OutcomeOfError(errno));
}

bool StormClient::FallSilent(HoldPoint point, TimePoint now) {
  if (plan_.hold != point || held_ || hurry_) return false;
  held_ = true;
  Silence(now + silence_);
  return true;
}

void StormClient::Silence(TimePoint until) {
  silent_ = true;
  silent_until_ = until;
  WatchReadable(false);
}

void StormClient::WatchReadable(bool readable) {
  reactor_.Rewatch(fd_.get(), tag_, readable ? net::Reactor::kReadable : 0);
}

void StormClient::End(Outcome outcome) {
  outcome_ = outcome;
  silent_ = false;
  fd_.reset();
}

std::string StormClient::Message(int64_t number) const {
  return "HELLO " + std::to_string(number) + (plan_.bare ? "" : "\n");
}

}  // namespace handshake::test
