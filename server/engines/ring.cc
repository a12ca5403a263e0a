#include "server/engines/ring.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <system_error>
#include <thread>

#include "absl/strings/str_format.h"
#include "server/engines/engine_threads.h"

namespace handshake::server {
namespace {

constexpr int kBufferGroup = 0;

// One thread uses the ring, and completions are made when it asks for them, not by interrupting it.
constexpr uint32_t kSetup = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                            IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;

// kernel.io_uring_disabled; 0 where there is no such setting.
int ReadDisabled() {
  int value = 0;
  std::ifstream("/proc/sys/kernel/io_uring_disabled") >> value;
  return value;
}

absl::Status SetupError(const char* operation, int error) {
  const int disabled = ReadDisabled();
  if (error == EPERM && disabled != 0) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "io_uring is switched off here (kernel.io_uring_disabled = %d): ask for sysctl -w "
        "kernel.io_uring_disabled=0, or use the epoll mode",
        disabled));
  }
  switch (error) {
    case EPERM:
    case EACCES:
      return absl::FailedPreconditionError(
          "a sandbox (seccomp or the like) denies io_uring: allow io_uring_setup, io_uring_enter "
          "and io_uring_register to this process, or use the epoll mode");
    case ENOSYS:
      return absl::FailedPreconditionError(
          "no io_uring here: the kernel was built without it, or a sandbox (seccomp) hides it; "
          "allow io_uring_setup, io_uring_enter and io_uring_register, or use the epoll mode");
    case EINVAL:
      return absl::FailedPreconditionError(absl::StrFormat(
          "the kernel is too old for the io-uring mode (%s is refused): it needs Linux 6.1; use "
          "the epoll mode",
          operation));
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(absl::StrFormat(
          "no file descriptor is left for a ring (%s): raise ulimit -n", strerror(error)));
    case ENOMEM:
    case EAGAIN:
      return absl::ResourceExhaustedError(absl::StrFormat(
          "no memory for a ring (%s: %s): raise ulimit -l, the address space or the cgroup's "
          "memory.max, or ask for fewer workers",
          operation, strerror(error)));
    default:
      return absl::ErrnoToStatus(error, operation);
  }
}

// Linux 6.8; the packaged headers do not have it.
constexpr uint8_t kFixedFdInstall = 54;
// Linux 6.7, likewise: a socket's options, by a command.
constexpr uint32_t kSocketSetOption = 3;

// What a close does that should be seen: the peer gets a reset. The kernel reads it later.
linger kResetOnClose{.l_onoff = 1, .l_linger = 0};

__kernel_timespec Until(wire::TimePoint until) {
  const auto left = std::max(until - wire::Clock::now(), wire::Duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
}

}  // namespace

Ring::~Ring() {
  if (open_) io_uring_queue_exit(&ring_);
  if (lent_ != nullptr) munmap(lent_, lent_bytes_);
}

// The kernel remembers the thread that made a ring, and interrupts its system calls when the ring
// goes away. Our callers serve others then: a thread of its own makes it, and is gone.
absl::Status Ring::Open(const RingOptions& options) {
  absl::Status status;
  try {
    std::thread([&] { status = OpenHere(options); }).join();
  } catch (const std::system_error& error) {
    return ThreadShortage(error.code().value());
  }
  return status;
}

absl::Status Ring::OpenHere(const RingOptions& options) {
  io_uring_params params{};
  params.flags = kSetup;
  params.cq_entries = options.completions;
  if (const int error = -io_uring_queue_init_params(options.submissions, &ring_, &params)) {
    return SetupError("io_uring_setup", error);
  }
  open_ = true;
  send_space_ = std::make_unique<SendSpace[]>(params.sq_entries);
  if (absl::Status status = OpenBuffers(options); !status.ok()) return status;
  return options.places == 0 ? absl::OkStatus() : OpenPlaces(options.places);
}

absl::Status Ring::OpenPlaces(uint32_t count) {
  const std::unique_ptr<io_uring_probe, void (*)(io_uring_probe*)> known(
      io_uring_get_probe_ring(&ring_), io_uring_free_probe);
  if (!known || !io_uring_opcode_supported(known.get(), kFixedFdInstall)) {
    return absl::FailedPreconditionError(
        "the kernel is too old for direct descriptors, which must become ordinary ones again: that "
        "needs Linux 6.8; start without --io-uring-direct");
  }
  if (const int error = -io_uring_register_files_sparse(&ring_, count)) {
    return SetupError("IORING_REGISTER_FILES2", error);
  }
  has_places_ = true;
  return absl::OkStatus();
}

absl::Status Ring::OpenBuffers(const RingOptions& options) {
  buffer_count_ = options.buffers;
  lent_bytes_ = buffer_count_ * sizeof(io_uring_buf);
  void* const lent =
      mmap(nullptr, lent_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (lent == MAP_FAILED) return SetupError("mmap", errno);
  lent_ = static_cast<io_uring_buf_ring*>(lent);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(lent_);
  registration.ring_entries = buffer_count_;
  registration.bgid = kBufferGroup;
  if (const int error = -io_uring_register_buf_ring(&ring_, &registration, 0)) {
    return SetupError("IORING_REGISTER_PBUF_RING", error);
  }
  buffers_ = std::make_unique<char[]>(buffer_count_ * kBufferBytes);
  const int mask = io_uring_buf_ring_mask(buffer_count_);
  for (uint32_t i = 0; i < buffer_count_; ++i) {
    io_uring_buf_ring_add(lent_, &buffers_[i * kBufferBytes], kBufferBytes,
                          static_cast<uint16_t>(i), mask, static_cast<int>(i));
  }
  io_uring_buf_ring_advance(lent_, static_cast<int>(buffer_count_));
  return absl::OkStatus();
}

void Ring::Enable() {
  // By number: Debian's liburing 2.3 does not export its own function for it.
  io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  io_uring_register_ring_fd(&ring_);  // a lookup less a turn; without it all works too
}

void Ring::Reserve(uint32_t count) {
  while (io_uring_sq_space_left(&ring_) < count) Submit();
}

io_uring_sqe* Ring::Next() {
  Reserve(1);
  return io_uring_get_sqe(&ring_);
}

void Ring::Accept(int listener, bool placed, bool standing, uint64_t tag) {
  assert(has_places_ || !placed);
  const int flags = placed ? 0 : SOCK_CLOEXEC;  // a place is never inherited
  io_uring_sqe* const sqe = Next();
  if (standing) {
    io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, flags);
  } else {
    io_uring_prep_accept(sqe, listener, nullptr, nullptr, flags);
  }
  if (placed) sqe->file_index = IORING_FILE_INDEX_ALLOC;
  sqe->user_data = tag;
}

void Ring::Aim(io_uring_sqe* sqe, RingFile file) {
  sqe->fd = file.number;
  if (file.direct) sqe->flags |= IOSQE_FIXED_FILE;
}

void Ring::Receive(RingFile file, size_t most, bool nothing_there, uint64_t tag) {
  io_uring_sqe* const sqe = Next();
  io_uring_prep_recv(sqe, file.number, nullptr, std::min(most, kBufferBytes), 0);
  Aim(sqe, file);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = kBufferGroup;
  if (nothing_there) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
  sqe->user_data = tag;
}

void Ring::SendThenReceive(RingFile file, std::string_view bytes, uint64_t send_tag,
                           uint64_t receive_tag) {
  assert(bytes.size() <= kBufferBytes);
  Reserve(2);  // a chain must not be torn
  io_uring_sqe* const sqe = Next();
  char* const copy = send_space_[sqe - ring_.sq.sqes].bytes;
  std::memcpy(copy, bytes.data(), bytes.size());
  // MSG_DONTWAIT: over when it was handed over. MSG_WAITALL: less than all breaks the chain.
  io_uring_prep_send(sqe, file.number, copy, bytes.size(),
                     MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
  Aim(sqe, file);
  sqe->flags |= IOSQE_IO_LINK;
  sqe->user_data = send_tag;
  Receive(file, kBufferBytes, true, receive_tag);
}

void Ring::Poll(RingFile file, uint32_t events, uint64_t tag) {
  io_uring_sqe* const sqe = Next();
  io_uring_prep_poll_add(sqe, file.number, events);
  Aim(sqe, file);
  sqe->user_data = tag;
}

void Ring::Cancel(uint64_t target) { Cancel(target, kSilent); }

void Ring::Cancel(uint64_t target, uint64_t tag) {
  io_uring_sqe* const sqe = Next();
  io_uring_prep_cancel64(sqe, target, 0);
  if (tag == kSilent) sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = tag;
}

void Ring::Install(int place, uint64_t tag) {
  io_uring_sqe* const sqe = Next();
  io_uring_prep_rw(kFixedFdInstall, sqe, place, nullptr, 0, 0);
  sqe->flags |= IOSQE_FIXED_FILE;
  sqe->user_data = tag;
}

void Ring::Close(RingFile file) {
#ifdef __SANITIZE_THREAD__
  // What the kernel closes it does not see, and takes the number's next use for the same.
  if (!file.direct) {
    close(file.number);
    return;
  }
#endif
  io_uring_sqe* const sqe = Next();
  if (file.direct) {
    io_uring_prep_close_direct(sqe, static_cast<unsigned>(file.number));
  } else {
    io_uring_prep_close(sqe, file.number);
  }
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = kSilent;
}

void Ring::Reset(int place) {
  // Both are done where they are handed over, in their order: a chain would put off the second.
  io_uring_sqe* const sqe = Next();
  io_uring_prep_rw(IORING_OP_URING_CMD, sqe, place, nullptr, 0, 0);
  sqe->cmd_op = kSocketSetOption;
  // Its arguments lie where the packaged headers have other names: level and optname, optlen, and
  // the address of the value.
  sqe->addr = uint64_t{SO_LINGER} << 32 | SOL_SOCKET;
  sqe->file_index = sizeof(kResetOnClose);
  sqe->addr3 = reinterpret_cast<uintptr_t>(&kResetOnClose);
  sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = kSilent;
  Close({place, true});
}

// What these calls may say against it is for a moment: interrupted; time is over; completions must
// be read first; no memory for requests just now. What was not handed over is, the next time.
void Ring::Turn(std::optional<wire::TimePoint> until) {
  if (!drained()) {
    // There is something to do at once. The call is made all the same with the word that lets the
    // kernel finish what waits for this thread: without it, requests that complete where they are
    // handed over, failed cancels for one, could keep all others from completing.
    io_uring_submit_and_get_events(&ring_);
    return;
  }
  io_uring_cqe* first = nullptr;
  __kernel_timespec timeout{};
  if (until) timeout = Until(*until);
  io_uring_submit_and_wait_timeout(&ring_, &first, 1, until ? &timeout : nullptr, nullptr);
}

bool Ring::Submit() { return io_uring_submit(&ring_) >= 0 && io_uring_sq_ready(&ring_) == 0; }

std::string_view Ring::BytesOf(const io_uring_cqe& cqe) const {
  if ((cqe.flags & IORING_CQE_F_BUFFER) == 0 || cqe.res <= 0) return {};
  const size_t buffer = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
  return {&buffers_[buffer * kBufferBytes], static_cast<size_t>(cqe.res)};
}

void Ring::GiveBack(const io_uring_cqe& cqe) {
  if ((cqe.flags & IORING_CQE_F_BUFFER) == 0) return;
  const uint32_t buffer = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
  io_uring_buf_ring_add(lent_, &buffers_[buffer * kBufferBytes], kBufferBytes,
                        static_cast<uint16_t>(buffer), io_uring_buf_ring_mask(buffer_count_), 0);
  io_uring_buf_ring_advance(lent_, 1);
}

absl::Status Ring::Probe(uint32_t places) {
  Ring ring;
  absl::Status status =
      ring.Open({.submissions = 4, .completions = 8, .buffers = 4, .places = places});
  if (!status.ok()) return status;
  ring.Enable();
  io_uring_prep_nop(ring.Next());
  if (const int n = io_uring_submit_and_wait(&ring.ring_, 1); n < 0) {
    return SetupError("io_uring_enter", -n);
  }
  return absl::OkStatus();
}

absl::Status ProbeRing(uint32_t places) {
  absl::Status status;
  try {
    std::thread([&] { status = Ring::Probe(places); }).join();
  } catch (const std::system_error& error) {
    return ThreadShortage(error.code().value());
  }
  return status;
}

}  // namespace handshake::server
