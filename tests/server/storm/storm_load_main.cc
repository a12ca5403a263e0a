// The storm's load as a process of its own, so that its CPU and its file descriptors are not the
// server's. Started by LoadProcess; dies with it.
//
//   storm_load ADDRESS BUSY HELD SILENCE_MS ONE_BYTE
//
// BUSY clients go on as fast as they can (every fourth without terminators), HELD ones fall silent
// for up to SILENCE_MS, spread over the hold points, ONE_BYTE ones send a byte whenever they
// are told to. Each starts anew when it has ended, the HELD ones after a rest. Commands on stdin, a
// byte each:
//
//   n   nudge the one-byte clients
//   q   (or end of file) start nothing anew, finish what is under way without silences, print the
//       tally in one line "key=value ...", exit
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/address.h"
#include "common/net/reactor.h"
#include "common/net/timer_wheel.h"
#include "tests/server/storm/hold_point.h"
#include "tests/server/storm/storm_client.h"

namespace handshake::test {
namespace {

using TimePoint = StormClient::TimePoint;

constexpr uint64_t kCommandTag = UINT64_MAX;
constexpr uint32_t kFirstSource = 0x7F000102;  // 127.0.1.2
constexpr uint32_t kSourceCount = 200;

struct Shape {
  net::Address server;
  int busy, held, silence_ms, one_byte;
};

class StormLoad {
 public:
  explicit StormLoad(const Shape& shape)
      : shape_(shape), wheel_(std::chrono::steady_clock::now()) {}

  // False: this process cannot run.
  bool Open() {
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    return reactor_.Open().ok() &&
           reactor_.Watch(STDIN_FILENO, kCommandTag, net::Reactor::kReadable) == 0;
  }

  void Run() {
    MakeClients();
    while (running_ > 0) {
      for (uint32_t index : std::exchange(to_begin_, {})) Begin(index);
      Turn();
      if (nudged_)
        ForEachPending([](StormClient& client, TimePoint now) {
          if (client.plan().one_byte) client.Nudge(now);
        });
      nudged_ = false;
      if (quitting_ && !hurried_) {
        hurried_ = true;
        ForEachPending([](StormClient& client, TimePoint now) {
          client.Hurry();
          client.Nudge(now);
        });
        // Those between two handshakes stop here.
        running_ -= std::exchange(to_begin_, {}).size() + std::exchange(resting_, 0);
      }
    }
  }

  void Print() const {
    std::string line;
    auto add = [&line](const std::string& key, int64_t value) {
      line += key + "=" + std::to_string(value) + " ";
    };
    add("connected", connected_);
    for (int i = 1; i < kOutcomeCount; ++i) add(std::string(kOutcomeNames[i]), outcomes_[i]);
    for (int i = 1; i < kHoldPointCount; ++i) {
      add("ok_after_" + std::string(kHoldPointNames[i]), ok_after_[i]);
    }
    add("slowest_us", slowest_us_);
    std::puts(line.c_str());
  }

 private:
  void MakeClients() {
    auto add = [this](HoldPoint hold, bool bare, bool one_byte) {
      const auto index = static_cast<uint32_t>(clients_.size());
      const ClientPlan plan{
          .server = shape_.server,
          .source = net::Address::FromIpv4(kFirstSource + index % kSourceCount, 0),
          .hold = hold,
          .bare = bare,
          .one_byte = one_byte};
      clients_.emplace_back(plan, reactor_, index);
    };
    for (int i = 0; i < shape_.busy; ++i) add(HoldPoint::kNever, i % 4 == 3, false);
    // Half of them have their answer cut: those are silent longest and so begin least often.
    for (int i = 0; i < shape_.held; ++i) {
      const int point = i % 2 == 0 ? kHoldPointCount - 1 : 1 + i / 2 % (kHoldPointCount - 2);
      add(static_cast<HoldPoint>(point), false, false);
    }
    for (int i = 0; i < shape_.one_byte; ++i) add(HoldPoint::kNever, false, true);
    running_ = clients_.size();
    for (uint32_t i = 0; i < clients_.size(); ++i) to_begin_.push_back(i);
  }

  void Begin(uint32_t index) {
    StormClient& client = clients_[index];
    const bool cut = client.plan().hold == HoldPoint::kAnswerCut;
    const auto sequence = static_cast<int64_t>(random_() % 999'999);
    client.Begin((cut ? kCutSequenceBase : 0) + sequence, RandomSilence(),
                 std::chrono::steady_clock::now());
    Settle(index);
  }

  // Waits for events and timers and handles them.
  void Turn() {
    const TimePoint before = std::chrono::steady_clock::now();
    const auto events = reactor_.Wait(to_begin_.empty() ? wheel_.NextDue() : before);
    const TimePoint now = std::chrono::steady_clock::now();
    for (const net::Reactor::Event& event : events) {
      if (event.tag == kCommandTag) {
        ReadCommands();
      } else if (StormClient& client = clients_[event.tag]; client.outcome() == Outcome::kPending) {
        client.OnReady(now);
        Settle(static_cast<uint32_t>(event.tag));
      }
    }
    while (const auto due = wheel_.TakeDue(now)) {
      if (clients_[*due].outcome() == Outcome::kPending) {
        clients_[*due].OnTime(now);
        Settle(*due);
      } else if (!hurried_) {  // it has rested
        --resting_;
        to_begin_.push_back(*due);
      }
    }
  }

  // After every call into a pending client: arms its timer, or counts its end.
  void Settle(uint32_t index) {
    const StormClient& client = clients_[index];
    if (client.outcome() == Outcome::kPending) return wheel_.Arm(index, client.deadline());
    wheel_.Cancel(index);
    Count(client);
    if (quitting_) {
      --running_;
    } else if (client.plan().hold == HoldPoint::kNever) {
      to_begin_.push_back(index);
    } else {
      // In step with the switches they would always meet the same ones.
      ++resting_;
      wheel_.Arm(index, std::chrono::steady_clock::now() + RandomSilence());
    }
  }

  std::chrono::milliseconds RandomSilence() {
    const auto range = static_cast<uint64_t>(std::max(shape_.silence_ms, 1));
    return std::chrono::milliseconds(1 + random_() % range);
  }

  void Count(const StormClient& client) {
    if (client.connected()) ++connected_;
    ++outcomes_[static_cast<size_t>(client.outcome())];
    if (client.outcome() != Outcome::kOk) return;
    ++ok_after_[static_cast<size_t>(client.plan().hold)];
    const auto waited = std::chrono::steady_clock::now() - client.waiting_since();
    slowest_us_ = std::max<int64_t>(
        slowest_us_, std::chrono::duration_cast<std::chrono::microseconds>(waited).count());
  }

  // Only remembers them: a client must not change under an event that waits in the same turn.
  void ReadCommands() {
    char commands[64];
    const ssize_t n = read(STDIN_FILENO, commands, sizeof(commands));
    if (n < 0) return;
    const std::string_view text(commands, static_cast<size_t>(n));
    nudged_ = nudged_ || text.find('n') != text.npos;
    quitting_ = quitting_ || n == 0 || text.find('q') != text.npos;
    if (quitting_) reactor_.Unwatch(STDIN_FILENO);
  }

  template <class Do>
  void ForEachPending(const Do& what) {
    for (uint32_t i = 0; i < clients_.size(); ++i) {
      if (clients_[i].outcome() != Outcome::kPending) continue;
      what(clients_[i], std::chrono::steady_clock::now());
      Settle(i);
    }
  }

  const Shape shape_;
  net::Reactor reactor_;
  net::TimerWheel wheel_;
  std::deque<StormClient> clients_;
  std::vector<uint32_t> to_begin_;
  size_t resting_ = 0;  // between two handshakes, for a while
  size_t running_ = 0;  // clients that have not stopped for good
  bool nudged_ = false;
  bool quitting_ = false;
  bool hurried_ = false;
  std::mt19937_64 random_{20'24};
  int64_t connected_ = 0;
  std::array<int64_t, kOutcomeCount> outcomes_{};
  std::array<int64_t, kHoldPointCount> ok_after_{};
  int64_t slowest_us_ = 0;
};

int Main(int argc, char** argv) {
  // The parent may have gone before this was asked for: then the pipe on stdin is at its end.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The server's limit may be low on purpose.
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  const auto server = net::Address::Parse(argc == 6 ? argv[1] : "");
  if (!server.ok()) {
    std::fputs("usage: storm_load ADDRESS BUSY HELD SILENCE_MS ONE_BYTE\n", stderr);
    return 2;
  }
  StormLoad load({.server = *server,
                  .busy = std::atoi(argv[2]),
                  .held = std::atoi(argv[3]),
                  .silence_ms = std::atoi(argv[4]),
                  .one_byte = std::atoi(argv[5])});
  if (!load.Open()) return 1;
  load.Run();
  load.Print();
  return 0;
}

}  // namespace
}  // namespace handshake::test

int main(int argc, char** argv) { return handshake::test::Main(argc, argv); }
