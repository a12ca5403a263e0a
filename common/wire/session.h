// What a session is to whoever drives it, whatever its protocol and role.
//
// A session is a plain value: bytes, end-of-stream and time in; bytes and a verdict out. It holds
// no file descriptor, thread, clock or log. The driver asks need() and does that one thing:
//
//   kRead      read at most ReadSize() bytes, then OnReceived(bytes), OnEndOfStream() or OnReset()
//   kWrite     write Output(), then OnSent(n) or OnReset()
//   kProbe     read once without waiting: nothing there is OnQuiet(), else as kRead
//   kShutdown  shutdown(SHUT_WR), then OnShutdown()
//   kDiscard   drop at most DiscardLimit() bytes, then OnDiscarded(n), or as kRead
//   kEnd       close as ending() says; verdict() is final
//
// and calls OnTime() when deadline() has passed, after having read what had arrived by then.
// Every call takes the present time. Calls that the current need() does not allow are misuse and
// assert. A session is used by one thread at a time and may be moved to another between calls.
// What it may have been lent it gives back when it ends, so every session is driven to kEnd:
// Abort() gets there at once.
#ifndef HANDSHAKE_COMMON_WIRE_SESSION_H_
#define HANDSHAKE_COMMON_WIRE_SESSION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

#include "common/wire/verdict.h"

namespace handshake::wire {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;  // int64 nanoseconds

enum class Need : uint8_t { kRead, kWrite, kProbe, kShutdown, kDiscard, kEnd };

enum class Ending : uint8_t {
  kClose,  // close(): the peer reads FIN
  kReset,  // close with SO_LINGER 0: the peer sees RST, so that failure cannot pass for success
};

// The state that a session keeps inline: a protocol whose state is bigger owns one pointer.
inline constexpr size_t kSessionStateBytes = 104;

// One constant object a listener: its protocol and that protocol's options. It must outlive every
// session begun from it. Safe to use from any thread.
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual std::string_view name() const = 0;
  // Do its sessions last as long as the peer likes, mostly in silence? Then nobody should wait for
  // one of them alone.
  bool long_lived() const { return long_lived_; }
  // The listener's number: what its sessions are counted to.
  int listener() const { return listener_; }

 protected:
  Protocol(bool long_lived, int listener) : long_lived_(long_lived), listener_(listener) {}

 private:
  friend class Session;
  virtual void Begin(void* state, TimePoint now) const = 0;
  virtual TimePoint GetStarted(const void* state) const = 0;
  virtual Need GetNeed(const void* state) const = 0;
  virtual int GetStep(const void* state) const = 0;
  virtual int64_t GetSequence(const void* state) const = 0;
  virtual bool IsHeld(const void* state) const = 0;
  virtual Verdict GetVerdict(const void* state) const = 0;
  virtual Ending GetEnding(const void* state) const = 0;
  virtual TimePoint GetDeadline(const void* state) const = 0;
  virtual std::string_view GetInput(const void* state) const = 0;
  virtual size_t GetReadSize(const void* state) const = 0;
  virtual std::string_view Output(const void* state, std::span<char> scratch) const = 0;
  virtual size_t DiscardLimit(const void* state) const = 0;
  virtual void OnReceived(void* state, std::string_view bytes, TimePoint now) const = 0;
  virtual void OnSent(void* state, size_t n, TimePoint now) const = 0;
  virtual void OnShutdown(void* state, TimePoint now) const = 0;
  virtual void OnDiscarded(void* state, size_t n, TimePoint now) const = 0;
  virtual void OnEndOfStream(void* state, TimePoint now) const = 0;
  virtual void OnReset(void* state, TimePoint now) const = 0;
  virtual void OnTime(void* state, TimePoint now) const = 0;
  virtual void Abort(void* state, Verdict verdict) const = 0;
  virtual uint32_t TakeMessageCount(void* state) const = 0;

  const bool long_lived_;
  const int listener_;
};

// The server's side of one connection: a protocol and its state. Relocatable as plain bytes.
class Session {
 public:
  // Long enough for any Output().
  static constexpr size_t kScratchBytes = 64;

  Session(const Protocol& protocol, TimePoint now) : protocol_(&protocol) {
    protocol.Begin(state_, now);
  }

  const Protocol& protocol() const { return *protocol_; }
  Need need() const { return protocol_->GetNeed(state_); }
  TimePoint started() const { return protocol_->GetStarted(state_); }
  // The protocol's step, from 1: what a table of connections is grouped by.
  int step() const { return protocol_->GetStep(state_); }
  // The number that the peer chose for this conversation, once it has been understood.
  int64_t sequence() const { return protocol_->GetSequence(state_); }
  // Has the peer been answered, and is it its turn to finish? What "held" counts.
  bool held() const { return protocol_->IsHeld(state_); }
  Verdict verdict() const { return protocol_->GetVerdict(state_); }
  Ending ending() const { return protocol_->GetEnding(state_); }
  // When OnTime() must be called. May move earlier by any call that changes the state.
  TimePoint deadline() const { return protocol_->GetDeadline(state_); }
  // What was read and not used yet, for messages to people.
  std::string_view input() const { return protocol_->GetInput(state_); }
  // The most that it takes at once, above 0.
  size_t ReadSize() const { return protocol_->GetReadSize(state_); }
  // The bytes still to be sent; they may lie in `scratch` or in the protocol's constants.
  std::string_view Output(std::span<char> scratch) const {
    return protocol_->Output(state_, scratch);
  }
  size_t DiscardLimit() const { return protocol_->DiscardLimit(state_); }

  // Copies what it keeps of `bytes`.
  void OnReceived(std::string_view bytes, TimePoint now) {
    protocol_->OnReceived(state_, bytes, now);
  }
  void OnSent(size_t n, TimePoint now) { protocol_->OnSent(state_, n, now); }
  void OnShutdown(TimePoint now) { protocol_->OnShutdown(state_, now); }
  void OnDiscarded(size_t n, TimePoint now) { protocol_->OnDiscarded(state_, n, now); }
  void OnEndOfStream(TimePoint now) { protocol_->OnEndOfStream(state_, now); }
  void OnReset(TimePoint now) { protocol_->OnReset(state_, now); }
  void OnTime(TimePoint now) { protocol_->OnTime(state_, now); }
  // Ends the session for a reason outside the protocol (shed, operator, shutdown): reset at once.
  void Abort(Verdict verdict) { protocol_->Abort(state_, verdict); }
  // Messages that a long-lived session has judged since this was last asked; 0 of any other.
  uint32_t TakeMessageCount() { return protocol_->TakeMessageCount(state_); }

 private:
  const Protocol* protocol_;
  alignas(8) std::byte state_[kSessionStateBytes];
};

// Makes a Protocol of a state machine: a trivially copyable class with the methods above,
// constructed from (const Options&, TimePoint).
template <class Machine>
class ProtocolOf final : public Protocol {
  static_assert(std::is_trivially_copyable_v<Machine> && std::is_trivially_destructible_v<Machine>);
  static_assert(sizeof(Machine) <= kSessionStateBytes && alignof(Machine) <= 8);

 public:
  using Options = typename Machine::Options;
  static constexpr bool kLongLived = requires(Machine& machine) { machine.TakeMessageCount(); };

  explicit ProtocolOf(const Options& options, int listener = 0)
      : Protocol(kLongLived, listener), options_(options) {}
  std::string_view name() const override { return Machine::kName; }

 private:
  static Machine& In(void* state) { return *std::launder(static_cast<Machine*>(state)); }
  static const Machine& In(const void* state) {
    return *std::launder(static_cast<const Machine*>(state));
  }
  void Begin(void* state, TimePoint now) const override { new (state) Machine(options_, now); }
  TimePoint GetStarted(const void* s) const override { return In(s).started(); }
  Need GetNeed(const void* s) const override { return In(s).need(); }
  int GetStep(const void* s) const override { return In(s).step(); }
  int64_t GetSequence(const void* s) const override { return In(s).sequence(); }
  bool IsHeld(const void* s) const override { return In(s).held(); }
  Verdict GetVerdict(const void* s) const override { return In(s).verdict(); }
  Ending GetEnding(const void* s) const override { return In(s).ending(); }
  TimePoint GetDeadline(const void* s) const override { return In(s).deadline(); }
  std::string_view GetInput(const void* s) const override { return In(s).input(); }
  size_t GetReadSize(const void* s) const override { return In(s).ReadSize(); }
  std::string_view Output(const void* s, std::span<char> scratch) const override {
    return In(s).Output(scratch);
  }
  size_t DiscardLimit(const void* s) const override { return In(s).DiscardLimit(); }
  void OnReceived(void* s, std::string_view bytes, TimePoint now) const override {
    In(s).OnReceived(bytes, now);
  }
  void OnSent(void* s, size_t n, TimePoint now) const override { In(s).OnSent(n, now); }
  void OnShutdown(void* s, TimePoint now) const override { In(s).OnShutdown(now); }
  void OnDiscarded(void* s, size_t n, TimePoint now) const override { In(s).OnDiscarded(n, now); }
  void OnEndOfStream(void* s, TimePoint now) const override { In(s).OnEndOfStream(now); }
  void OnReset(void* s, TimePoint now) const override { In(s).OnReset(now); }
  void OnTime(void* s, TimePoint now) const override { In(s).OnTime(now); }
  void Abort(void* s, Verdict verdict) const override { In(s).Abort(verdict); }
  uint32_t TakeMessageCount(void* s) const override {
    if constexpr (kLongLived) return In(s).TakeMessageCount();
    return 0;
  }

  const Options options_;
};

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_SESSION_H_
