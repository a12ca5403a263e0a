// One io_uring: the kernel does what it is asked for and says later how it went.
#ifndef HANDSHAKE_SERVER_ENGINES_RING_H_
#define HANDSHAKE_SERVER_ENGINES_RING_H_

#include <liburing.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/wire/session.h"

namespace handshake::server {

struct RingOptions {
  uint32_t submissions = 512;    // asked for at once; a power of two, as are the others
  uint32_t completions = 4'096;  // waiting to be read; the kernel keeps what goes beyond that
  uint32_t buffers = 512;        // for bytes that were received and not looked at yet
  // Places for direct descriptors: what is accepted gets one of them, and no descriptor of the
  // process. At most the limit of open files; 0: no such table.
  uint32_t places = 0;
};

// What a request works on: a descriptor of the process or, if `direct`, a place in the ring's own
// table.
struct RingFile {
  int number;
  bool direct;
};

// What became of one request. `result` is what the system call would have returned, or minus its
// errno.
struct Completion {
  uint64_t tag;
  int32_t result;
  bool more;               // the request stands, and completes again
  std::string_view bytes;  // of a Receive with result > 0; valid until the handler returns
};

// Requests are collected and go to the kernel with the next Turn(). A tag comes back with each
// completion of its request; any value below kSilent.
//
// Open() may be called from any thread, all else belongs to the one that called Enable(). The
// destructor ends what still stands, whoever calls it.
class Ring {
 public:
  static constexpr size_t kBufferBytes = 64;
  static constexpr uint64_t kSilent = UINT64_MAX - 1;

  Ring() = default;
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Gets everything that can fail. FAILED_PRECONDITION: not on this machine, with what to change;
  // RESOURCE_EXHAUSTED: not now.
  absl::Status Open(const RingOptions& options);
  void Enable();

  // Completes with a descriptor for each connection, or with a place if `placed`; again and again
  // if `standing`: until there is an error, or no room for a completion. A connection that finds no
  // place is lost: whoever asks sees to it that there is one for all that may come.
  void Accept(int listener, bool placed, bool standing, uint64_t tag);
  // Completes when there are bytes, at most `most` and kBufferBytes. Waits at once, without a look
  // at the socket, if `nothing_there` is likely.
  void Receive(RingFile file, size_t most, bool nothing_there, uint64_t tag);
  // Completes without waiting, with as many bytes as could be sent; then, if that was all, receives
  // as above, else `receive_tag` completes with -ECANCELED. `bytes`: at most kBufferBytes, copied.
  void SendThenReceive(RingFile file, std::string_view bytes, uint64_t send_tag,
                       uint64_t receive_tag);
  // Completes when `events` (POLLIN, POLLOUT) or an error are there.
  void Poll(RingFile file, uint32_t events, uint64_t tag);
  void Poll(int fd, uint32_t events, uint64_t tag) { Poll({fd, false}, events, tag); }
  // Makes the request with that tag complete, with -ECANCELED unless it is about to do so anyway.
  // It may be too early to find it, then nothing happens: ask again. Completes without a word.
  void Cancel(uint64_t target);
  // As above; completes with 0 or -ENOENT, -EALREADY.
  void Cancel(uint64_t target, uint64_t tag);
  // Completes with a descriptor of the process for what is at that place, which stays there too; or
  // with -EMFILE and the like.
  void Install(int place, uint64_t tag);
  // Completes without a word. Until it was handed over, a place is in use.
  void Close(RingFile file);
  // As above, and the peer is told of a reset.
  void Reset(int place);

  // Hands over what was asked for and waits until something is complete or `until` has passed
  // (nothing: no limit). One system call.
  void Turn(std::optional<wire::TimePoint> until);
  // Hands over what was asked for. False: not all, for want of memory.
  bool Submit();
  // Calls `handle` with what is complete, at most `most` times. The handler may ask for more.
  template <class Handler>
  void Reap(uint32_t most, Handler handle);
  // Calls it with all that is complete and whose tag is `wanted`. What it passes over is put off,
  // in its order, for Reap().
  template <class Wanted, class Handler>
  void ReapFirst(Wanted wanted, Handler handle);
  // Was all that is complete handled?
  bool drained() const {
    return put_off_.empty() && io_uring_cq_ready(&ring_) == 0 && !io_uring_cq_has_overflow(&ring_);
  }

 private:
  friend absl::Status ProbeRing(uint32_t places);
  static absl::Status Probe(uint32_t places);

  struct SendSpace {
    char bytes[kBufferBytes];
  };

  absl::Status OpenHere(const RingOptions& options);
  absl::Status OpenBuffers(const RingOptions& options);
  absl::Status OpenPlaces(uint32_t count);
  // Room for `count` requests that belong together.
  void Reserve(uint32_t count);
  io_uring_sqe* Next();
  // The next request, once its work is known: on what it works.
  static void Aim(io_uring_sqe* sqe, RingFile file);
  // The oldest completion, out of the ring.
  io_uring_cqe TakeOldest();
  template <class Handler>
  void Deliver(const io_uring_cqe& seen, Handler handle);
  std::string_view BytesOf(const io_uring_cqe& cqe) const;
  void GiveBack(const io_uring_cqe& cqe);

  io_uring ring_{};
  bool open_ = false;
  bool has_places_ = false;
  // A request's own place until it was handed over: then a send is over, for it never waits.
  std::unique_ptr<SendSpace[]> send_space_;
  // Lent to the kernel, which fills one when bytes arrive: who waits holds none.
  uint32_t buffer_count_ = 0;
  std::unique_ptr<char[]> buffers_;
  io_uring_buf_ring* lent_ = nullptr;
  size_t lent_bytes_ = 0;
  std::vector<io_uring_cqe> put_off_;  // from put_off_at_ on
  size_t put_off_at_ = 0;
};

// Can this process use what a Ring needs, with so many places? OK, or FAILED_PRECONDITION and the
// like with what to do. Opens one and hands a request to it, on a thread of its own.
absl::Status ProbeRing(uint32_t places);

inline io_uring_cqe Ring::TakeOldest() {
  const io_uring_cqe oldest = ring_.cq.cqes[*ring_.cq.khead & ring_.cq.ring_mask];
  io_uring_cq_advance(&ring_, 1);
  return oldest;
}

template <class Handler>
void Ring::Deliver(const io_uring_cqe& seen, Handler handle) {
  if (seen.user_data != kSilent) {
    handle(Completion{.tag = seen.user_data,
                      .result = seen.res,
                      .more = (seen.flags & IORING_CQE_F_MORE) != 0,
                      .bytes = BytesOf(seen)});
  }
  GiveBack(seen);
}

template <class Handler>
void Ring::Reap(uint32_t most, Handler handle) {
  for (; most > 0 && put_off_at_ < put_off_.size(); --most)
    Deliver(put_off_[put_off_at_++], handle);
  if (put_off_at_ == put_off_.size()) {
    put_off_.clear();
    put_off_at_ = 0;
  }
  const uint32_t count = std::min(most, io_uring_cq_ready(&ring_));
  for (uint32_t i = 0; i < count; ++i) Deliver(TakeOldest(), handle);
}

template <class Wanted, class Handler>
void Ring::ReapFirst(Wanted wanted, Handler handle) {
  for (uint32_t ready = io_uring_cq_ready(&ring_); ready > 0; --ready) {
    const io_uring_cqe seen = TakeOldest();
    if (wanted(seen.user_data)) {
      Deliver(seen, handle);
    } else {
      put_off_.push_back(seen);
    }
  }
}

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_RING_H_
