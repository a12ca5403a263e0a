// Faults of the operating system, made by the test binary itself: its definitions of the calls
// below stand before libc's, so the product needs no seam for them. A test that links this rules
// over every such call of its process; load belongs in another one. What is asked of an io_uring is
// changed on its way to the kernel (Linux 6.10 and later: a request that fails as told).
#ifndef HANDSHAKE_TESTS_SUPPORT_INTERPOSE_H_
#define HANDSHAKE_TESTS_SUPPORT_INTERPOSE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace handshake::test {

// kRecv and kSend are asked of a ring too; kRingReceive is of rings alone.
enum class Call : uint8_t {
  kAccept4,
  kRecv,
  kSend,
  kEpollCreate1,
  kEpollCtl,  // of what adds or changes; removing cannot fail
  kEventFd,
  kThreadCreate,
  kMap,  // mmap, called by our own code
  kRingSetup,
  kRingReceive,
  kRingInstall,  // a descriptor for what has none
};
inline constexpr int kCallCount = 11;

// All are static, any thread. Everything passes through until something is asked for.
class Interpose {
 public:
  // How often `call` was made, and how often it failed because of us, since the last Reset().
  static int64_t Calls(Call call);
  static int64_t Failures(Call call);

  // After `skip` more calls, `count` calls fail with `error`.
  static void FailNext(Call call, int error, int64_t count, int64_t skip = 0);
  // Of all calls about `per_million` fail, each with one of `errors` (at most 8), chosen by a
  // generator that starts from `seed`.
  static void FailShare(Call call, std::span<const int> errors, int per_million, uint64_t seed);
  // A standing accept of an io_uring is one call, made before a test could ask for anything: with
  // this each of its connections takes a call, as elsewhere. Outlives no Reset().
  static void AcceptOneByOne();
  // Rings opened from now on have room for 4 requests and 8 completions, whatever they ask for.
  static void TinyRings();
  // send() passes on at most this many bytes a call; 0: all.
  static void LimitSend(size_t bytes);
  // send() of a buffer that begins with `prefix` sends one byte less than half of it, and the
  // kernel keeps the socket unwritable for about 200 ms: an answer that is only partly written.
  // Outlives the test; empty: none.
  static void CutAnswers(std::string_view prefix);
  static int64_t answers_cut();

  // What our own code has mapped and not unmapped, since the process started.
  static int64_t mapped_bytes();

  // Everything passes through again, all counts are 0.
  static void Reset();
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_INTERPOSE_H_
