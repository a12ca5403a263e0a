// What can go wrong with a ring alone: completions that overflow it, descriptors that run out under
// a standing accept, cancels that come too late, a kernel or a sandbox that refuses it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "common/net/unique_fd.h"
#include "server/door/mode.h"
#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/build_kind.h"
#include "tests/support/interpose.h"
#include "tests/support/raw_client.h"

namespace handshake::test {
namespace {

using server::Mode;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

class IoUringFaultsTest : public DataPlaneFixture {
 protected:
  // What the list of modes says of it.
  server::ModeInfo Listed() const {
    return plane_->ListModes()[static_cast<size_t>(Mode::kIoUring)];
  }

  absl::Status SwitchToIt() {
    server::SwitchRequest request;
    request.target = Mode::kIoUring;
    return plane_->Switch(request).status();
  }

  bool Handshake() {
    RawClient client(address());
    client.Send("HELLO 1\n");
    if (client.Receive(8) != "HELLO 2\n") return false;
    client.Send("HELLO 3\n");
    return client.ReceiveAll().end == StreamEnd::kFin;
  }
};

// A burst of what is complete, in a ring with room for eight of them; with descriptors and without.
class OverflowTest : public IoUringFaultsTest, public testing::WithParamInterface<int64_t> {
 protected:
  OverflowTest() { engine_.io_uring_direct = GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Direct, OverflowTest, testing::Values(0, 1'000));

TEST_P(OverflowTest, NothingIsLost) {
  Interpose::TinyRings();
  Start(Mode::kIoUring);
  LoadProcess load(address(), {.busy = 64, .held = 64, .silence_ms = 20});
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= (kSanitized ? 1'000 : 10'000); }));
  FinishAndCheck(load);
}

TEST_P(OverflowTest, AllAreHandedOver) {
  Interpose::TinyRings();
  Start(Mode::kIoUring);
  LoadProcess load(address(), {.busy = 16, .held = 200, .silence_ms = 20});
  SwitchDriver driver(*plane_);
  for (int lap = 0; lap < 20; ++lap) {
    const int64_t before = totals().completed;
    ASSERT_TRUE(WaitUntil([&] { return totals().completed > before; }));
    const bool there = plane_->mode() == Mode::kIoUring;
    ASSERT_TRUE(driver.Switch(there ? Mode::kEpoll : Mode::kIoUring, milliseconds(lap % 2 * 5)));
  }
  FinishAndCheck(load);
  EXPECT_TRUE(driver.Settle());
}

// Errors of a receive that say nothing of the connection: no buffer, no memory, cancelled.
// All clients leave at once, and what is complete for them stands before the door's last word.
TEST_F(IoUringFaultsTest, AStopOvertakesWhatIsComplete) {
  const int crowd = kSanitized ? 500 : 3'000;
  Start(Mode::kIoUring, PatientHandshake());
  for (int round = 0; round < 3; ++round) {
    const int64_t failed = totals().failed;
    {
      LoadProcess load(address(), {.one_byte = crowd});
      ASSERT_TRUE(WaitUntil([&] { return totals().in_flight == crowd; }));
    }  // killed
    SwitchDriver driver(*plane_);
    ASSERT_TRUE(driver.Switch(Mode::kEpoll, milliseconds(round * 50)));
    ASSERT_TRUE(driver.Settle());
    EXPECT_EQ(driver.lost(), 0);
    ASSERT_TRUE(WaitUntil([&] { return totals().failed == failed + crowd; }));
    EXPECT_TRUE(Handshake());
    ASSERT_TRUE(driver.Switch(Mode::kIoUring, milliseconds(0)));
  }
}

TEST_F(IoUringFaultsTest, ReceivesThatCannotBeMadeAreMadeAgain) {
  constexpr std::array kErrors = {ENOBUFS, ENOMEM, ECANCELED};
  Interpose::FailShare(Call::kRingReceive, kErrors, 100'000, 5);
  Start(Mode::kIoUring);
  LoadProcess load(address(), {.busy = 8, .held = 12, .silence_ms = 20});
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= (kSanitized ? 500 : 3'000); }));
  EXPECT_GT(Interpose::Failures(Call::kRingReceive), 100) << "void: nothing was injected";
  FinishAndCheck(load);
}

// The kernel ends the accept with EMFILE: it is asked for again, and nobody is forgotten.
TEST_F(IoUringFaultsTest, AStandingAcceptThatRunsOutOfDescriptorsIsAskedForAgain) {
  constexpr int kClients = 60;
  constexpr size_t kRoom = 30;
  Start(Mode::kIoUring, PatientHandshake());
  std::vector<net::UniqueFd> others;
  do {
    others.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  } while (others.back());
  others.resize(others.size() - kRoom);
  LoadProcess crowd(address(), {.one_byte = kClients});
  EXPECT_TRUE(WaitUntil([&] { return NewSnapshot()->listeners.front().accept_queue > 0; }));
  EXPECT_LE(totals().accepted, kRoom);
  others.clear();
  const auto relieved = steady_clock::now();
  EXPECT_TRUE(WaitUntil([&] { return totals().accepted == kClients; }));
  EXPECT_LE(steady_clock::now() - relieved, milliseconds(kTimed ? 1'000 : 5'000));
  FinishAndCheck(crowd);
}

// Bytes and the deadline at the same moment: one of the two wins, and both sides know which.
TEST_F(IoUringFaultsTest, BytesThatMeetTheirDeadline) {
  constexpr milliseconds kStep{10};
  const int rounds = kSanitized ? 60 : 300;
  Start(Mode::kIoUring, {.framing = wire::Framing::kLine, .step_timeout = kStep});
  int completed = 0;
  int timed_out = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = steady_clock::now();
    RawClient client(address());
    const auto send_at = begin + kStep + std::chrono::microseconds(100 * (i % 40) - 2'000);
    while (steady_clock::now() < send_at) std::this_thread::yield();
    client.Send("HELLO 1\n");
    const std::string answer = client.Receive(8);
    if (answer == "HELLO 2\n") {
      client.Send("HELLO 3\n");
      const auto rest = client.ReceiveAll();
      EXPECT_EQ(rest.end, StreamEnd::kFin);
      // This process may have been held up for a step's time as well.
      const bool late = rest.bytes.starts_with("ERROR TIMEOUT_STEP_3 ");
      EXPECT_TRUE(late || rest.bytes.empty()) << rest.bytes;
      late ? ++timed_out : ++completed;
    } else {
      EXPECT_EQ(answer + client.ReceiveAll().bytes,
                "ERROR TIMEOUT_STEP_1 HELLO X did not arrive in time\n");
      ++timed_out;
    }
  }
  EXPECT_GT(completed, 0) << "void: all were too late";
  EXPECT_GT(timed_out, 0) << "void: all were in time";
  const Totals end = TotalsOf(*AtRest());
  EXPECT_EQ(end.completed, completed);
  EXPECT_EQ(end.failed, timed_out);
}

TEST_F(IoUringFaultsTest, TheListSaysWhyThereIsNoRing) {
  Start(Mode::kEpoll);
  EXPECT_TRUE(Listed().available) << Listed().unavailable_reason;
  Interpose::FailNext(Call::kRingSetup, ENOMEM, 1);
  const server::ModeInfo listed = Listed();
  EXPECT_FALSE(listed.available);
  EXPECT_THAT(listed.unavailable_reason, HasSubstr("memory"));
  Interpose::FailNext(Call::kRingSetup, EINVAL, 1);
  EXPECT_THAT(Listed().unavailable_reason, HasSubstr("too old"));
  EXPECT_TRUE(Listed().available);
}

// For the calling thread and those that it starts from now on.
bool DenyIoUring(long call, int error) {
  std::array code = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {.len = code.size(), .filter = code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

struct Denial {
  long call;
  int error;
};

class DeniedIoUringTest : public IoUringFaultsTest, public testing::WithParamInterface<Denial> {};

TEST_P(DeniedIoUringTest, IsListedAsUnavailableAndTheOldModeServesOn) {
  std::thread sandboxed([this] {
    ASSERT_TRUE(DenyIoUring(GetParam().call, GetParam().error));
    Start(Mode::kEpoll);
    EXPECT_FALSE(Listed().available);
    EXPECT_THAT(Listed().unavailable_reason, HasSubstr("seccomp"));
    const absl::Status status = SwitchToIt();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("io_uring_setup"));
    EXPECT_EQ(plane_->mode(), Mode::kEpoll);
    EXPECT_EQ(plane_->generation(), 1);
    EXPECT_TRUE(Handshake());

    server::DataPlaneOptions options = plane_->options();
    options.mode = Mode::kIoUring;
    const absl::Status start = server::DataPlane::Start(options).status();
    EXPECT_EQ(start.code(), absl::StatusCode::kFailedPrecondition) << start;
    plane_.reset();
  });
  sandboxed.join();
}

INSTANTIATE_TEST_SUITE_P(Calls, DeniedIoUringTest,
                         testing::Values(Denial{__NR_io_uring_setup, EPERM},
                                         Denial{__NR_io_uring_setup, ENOSYS},
                                         Denial{__NR_io_uring_enter, EPERM}),
                         [](const auto& denial) {
                           const std::string call =
                               denial.param.call == __NR_io_uring_setup ? "Setup" : "Enter";
                           return call + (denial.param.error == EPERM ? "Eperm" : "Enosys");
                         });

}  // namespace
}  // namespace handshake::test
