#include "tests/support/interpose.h"

#include <dlfcn.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace handshake::test {
namespace {

// Zero-initialised, so that it is valid for calls made before main().
struct Plan {
  std::atomic<int64_t> calls;
  std::atomic<int64_t> failures;
  std::atomic<int64_t> next_turn;  // counts down; the last next_count turns fail
  std::atomic<int64_t> next_count;
  std::atomic<int> next_error;
  std::atomic<int> per_million;
  std::atomic<uint64_t> random;
  std::array<std::atomic<int>, 8> errors;
  std::atomic<size_t> error_count;
};
constinit std::array<Plan, kCallCount> g_plans{};
constinit std::atomic<size_t> g_send_limit{0};
constinit std::atomic<const char*> g_cut_prefix{nullptr};
constinit std::atomic<size_t> g_cut_prefix_size{0};
constinit std::atomic<int64_t> g_answers_cut{0};
constinit std::atomic<bool> g_accept_one_by_one{false};
constinit std::atomic<bool> g_tiny_rings{false};
constinit std::atomic<int64_t> g_mapped_bytes{0};

Plan& PlanOf(Call call) { return g_plans[static_cast<size_t>(call)]; }

// splitmix64: each draw is one atomic add, so threads share one sequence.
uint64_t Draw(std::atomic<uint64_t>& state) {
  uint64_t z = state.fetch_add(0x9E3779B97F4A7C15) + 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// The error that this call is to fail with; 0: none.
int NextError(Call call) {
  Plan& plan = PlanOf(call);
  plan.calls.fetch_add(1);
  int error = 0;
  const int64_t turn = plan.next_turn.load() > 0 ? plan.next_turn.fetch_sub(1) : 0;
  if (turn > 0 && turn <= plan.next_count.load()) {
    error = plan.next_error.load();
  } else if (const int share = plan.per_million.load(); share > 0) {
    const uint64_t draw = Draw(plan.random);
    if (draw % 1'000'000 < static_cast<uint64_t>(share)) {
      error = plan.errors[(draw >> 32) % plan.error_count.load()].load();
    }
  }
  if (error != 0) plan.failures.fetch_add(1);
  return error;
}

bool Fails(Call call) {
  const int error = NextError(call);
  if (error != 0) errno = error;
  return error != 0;
}

template <class Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool IsCut(const void* data, size_t size) {
  const char* prefix = g_cut_prefix.load();
  const size_t prefix_size = g_cut_prefix_size.load();
  return prefix != nullptr && size > prefix_size && std::memcmp(data, prefix, prefix_size) == 0;
}

// A corked segment is not sent for 200 ms, and with the low-water mark at 1 an unsent byte makes
// the socket unwritable to poll and epoll: to the server it is what a full send buffer is.
void HoldBack(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_CORK, &one, sizeof(one));
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &one, sizeof(one));
}

// send() itself would still add to a corked segment: that it must not.
bool IsHeldBack(int fd) {
  pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
  return poll(&writable, 1, 0) == 0;
}

// The rest of a cut answer goes out at once.
void Release(int fd) {
  const int zero = 0;
  setsockopt(fd, IPPROTO_TCP, TCP_CORK, &zero, sizeof(zero));
}

// Newer than the header.
constexpr uint32_t kNopInjectResult = 1;  // IORING_NOP_INJECT_RESULT
constexpr uint8_t kFixedFdInstall = 54;   // IORING_OP_FIXED_FD_INSTALL

// The request does nothing and completes with this error; what it is linked to fails with it.
void FailRequest(io_uring_sqe& request, int error) {
  request.opcode = IORING_OP_NOP;
  request.flags &= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
  request.ioprio = 0;
  request.fd = -1;
  request.off = 0;
  request.addr = 0;
  request.len = static_cast<uint32_t>(-error);
  request.rw_flags = kNopInjectResult;
  request.buf_index = 0;
}

// As if the kernel had taken no more than this: what is linked to it does not happen.
void ShortenSend(io_uring_sqe& send, io_uring_sqe& linked, size_t bytes) {
  if (bytes >= send.len) return;
  send.len = static_cast<uint32_t>(bytes);
  if ((send.flags & IOSQE_IO_LINK) == 0) return;
  send.flags &= static_cast<uint8_t>(~IOSQE_IO_LINK);
  FailRequest(linked, ECANCELED);
}

void ChangeSend(io_uring_sqe& send, io_uring_sqe& linked) {
  if (const int error = NextError(Call::kSend)) return FailRequest(send, error);
  if (g_cut_prefix.load() != nullptr) {
    if (IsHeldBack(send.fd)) return FailRequest(send, EAGAIN);
    if (IsCut(reinterpret_cast<const void*>(send.addr), send.len)) {
      g_answers_cut.fetch_add(1);
      HoldBack(send.fd);
      return ShortenSend(send, linked, send.len / 2 - 1);
    }
    Release(send.fd);
  }
  if (const size_t limit = g_send_limit.load(); limit > 0) ShortenSend(send, linked, limit);
}

// What was asked of the ring since it last went to the kernel.
void ChangeRequests(io_uring& ring) {
  const auto at = [&ring](uint32_t i) -> io_uring_sqe& {
    return ring.sq.sqes[i & ring.sq.ring_mask];
  };
  for (uint32_t i = ring.sq.sqe_head; i != ring.sq.sqe_tail; ++i) {
    io_uring_sqe& request = at(i);
    switch (request.opcode) {
      case IORING_OP_ACCEPT:
        if (g_accept_one_by_one.load()) {
          request.ioprio &= static_cast<uint16_t>(~IORING_ACCEPT_MULTISHOT);
        }
        if (const int error = NextError(Call::kAccept4)) FailRequest(request, error);
        break;
      case IORING_OP_RECV:
        for (const Call call : {Call::kRecv, Call::kRingReceive}) {
          if (const int error = NextError(call)) FailRequest(request, error);
        }
        break;
      case kFixedFdInstall:
        if (const int error = NextError(Call::kRingInstall)) FailRequest(request, error);
        break;
      case IORING_OP_SEND:
        ChangeSend(request, at(i + 1));
        break;
      default:
        break;
    }
  }
}

}  // namespace

int64_t Interpose::Calls(Call call) { return PlanOf(call).calls.load(); }
int64_t Interpose::Failures(Call call) { return PlanOf(call).failures.load(); }

void Interpose::FailNext(Call call, int error, int64_t count, int64_t skip) {
  Plan& plan = PlanOf(call);
  plan.next_error.store(error);
  plan.next_count.store(count);
  plan.next_turn.store(count + skip);
}

void Interpose::FailShare(Call call, std::span<const int> errors, int per_million, uint64_t seed) {
  Plan& plan = PlanOf(call);
  const size_t count = std::min(errors.size(), plan.errors.size());
  for (size_t i = 0; i < count; ++i) plan.errors[i].store(errors[i]);
  plan.error_count.store(count);
  plan.random.store(seed);
  plan.per_million.store(count == 0 ? 0 : per_million);
}

void Interpose::AcceptOneByOne() { g_accept_one_by_one.store(true); }

void Interpose::TinyRings() { g_tiny_rings.store(true); }

void Interpose::LimitSend(size_t bytes) { g_send_limit.store(bytes); }

void Interpose::CutAnswers(std::string_view prefix) {
  g_cut_prefix_size.store(prefix.size());
  g_cut_prefix.store(prefix.empty() ? nullptr : prefix.data());
}

int64_t Interpose::answers_cut() { return g_answers_cut.load(); }

int64_t Interpose::mapped_bytes() { return g_mapped_bytes.load(); }

void Interpose::Reset() {
  for (Plan& plan : g_plans) {
    plan.next_turn.store(0);
    plan.per_million.store(0);
    plan.calls.store(0);
    plan.failures.store(0);
  }
  LimitSend(0);
  CutAnswers("");
  g_answers_cut.store(0);
  g_accept_one_by_one.store(false);
  g_tiny_rings.store(false);
}

}  // namespace handshake::test

using handshake::test::Call;

extern "C" {

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  static const auto next = handshake::test::Next<decltype(&accept4)>("accept4");
  return handshake::test::Fails(Call::kAccept4) ? -1 : next(fd, address, size, flags);
}

ssize_t recv(int fd, void* data, size_t size, int flags) {
  static const auto next = handshake::test::Next<decltype(&recv)>("recv");
  return handshake::test::Fails(Call::kRecv) ? -1 : next(fd, data, size, flags);
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
  static const auto next = handshake::test::Next<decltype(&send)>("send");
  if (handshake::test::Fails(Call::kSend)) return -1;
  if (handshake::test::g_cut_prefix.load() != nullptr) {
    if (handshake::test::IsHeldBack(fd)) {
      errno = EAGAIN;
      return -1;
    }
    if (handshake::test::IsCut(data, size)) {
      handshake::test::g_answers_cut.fetch_add(1);
      handshake::test::HoldBack(fd);
      return next(fd, data, size / 2 - 1, flags);
    }
    handshake::test::Release(fd);
  }
  const size_t limit = handshake::test::g_send_limit.load();
  return next(fd, data, limit == 0 ? size : std::min(size, limit), flags);
}

int epoll_create1(int flags) noexcept {
  static const auto next = handshake::test::Next<decltype(&epoll_create1)>("epoll_create1");
  return handshake::test::Fails(Call::kEpollCreate1) ? -1 : next(flags);
}

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  static const auto next = handshake::test::Next<decltype(&epoll_ctl)>("epoll_ctl");
  if (operation != EPOLL_CTL_DEL && handshake::test::Fails(Call::kEpollCtl)) return -1;
  return next(epoll, operation, fd, event);
}

int eventfd(unsigned int initial, int flags) noexcept {
  static const auto next = handshake::test::Next<decltype(&eventfd)>("eventfd");
  return handshake::test::Fails(Call::kEventFd) ? -1 : next(initial, flags);
}

int io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* params) {
  static const auto next =
      handshake::test::Next<decltype(&io_uring_queue_init_params)>("io_uring_queue_init_params");
  if (const int error = handshake::test::NextError(Call::kRingSetup)) return -error;
  if (handshake::test::g_tiny_rings.load()) {
    entries = 4;
    params->cq_entries = 8;
  }
  return next(entries, ring, params);
}

int io_uring_submit(io_uring* ring) {
  static const auto next = handshake::test::Next<decltype(&io_uring_submit)>("io_uring_submit");
  handshake::test::ChangeRequests(*ring);
  return next(ring);
}

int io_uring_submit_and_get_events(io_uring* ring) {
  static const auto next = handshake::test::Next<decltype(&io_uring_submit_and_get_events)>(
      "io_uring_submit_and_get_events");
  handshake::test::ChangeRequests(*ring);
  return next(ring);
}

int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** completion, unsigned count,
                                     __kernel_timespec* timeout, sigset_t* signals) {
  static const auto next = handshake::test::Next<decltype(&io_uring_submit_and_wait_timeout)>(
      "io_uring_submit_and_wait_timeout");
  handshake::test::ChangeRequests(*ring);
  return next(ring, completion, count, timeout, signals);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) noexcept {
  static const auto next = handshake::test::Next<decltype(&pthread_create)>("pthread_create");
  if (const int error = handshake::test::NextError(Call::kThreadCreate); error != 0) return error;
  return next(thread, attributes, run, argument);
}

// The linker leads our own calls here (--wrap), and nobody else's: sanitizers and libc have theirs.
void* __real_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void* address, size_t size);

void* __wrap_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  if (handshake::test::Fails(Call::kMap)) return MAP_FAILED;
  void* const memory = __real_mmap(address, size, protection, flags, fd, offset);
  if (memory != MAP_FAILED) {
    handshake::test::g_mapped_bytes.fetch_add(static_cast<int64_t>(size));
  }
  return memory;
}

int __wrap_munmap(void* address, size_t size) {
  handshake::test::g_mapped_bytes.fetch_sub(static_cast<int64_t>(size));
  return __real_munmap(address, size);
}

}  // extern "C"
