// Ctrl-C (SIGINT), SIGTERM and SIGHUP as an event of the command line, not as a signal handler.
#ifndef HANDSHAKE_CONTROL_REPORT_INTERRUPTS_H_
#define HANDSHAKE_CONTROL_REPORT_INTERRUPTS_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace handshake::report {

// The exit code of a command that was interrupted.
inline constexpr int kExitInterrupted = 130;

// Owned by main(), made there before any other thread: every later thread inherits the blocked
// signals. Also ignores SIGPIPE, so that a closed pipe is an error of write() (see Print). The
// first signal is the event; the second one ends the process at once with kExitInterrupted.
// All methods may be called from any thread.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool happened() const;
  // Until it happened (true), or `timeout` has passed (false).
  bool WaitFor(std::chrono::nanoseconds timeout) const;
  void Wait() const;

  // While this lives, `action` is called at the event, once, on the watching thread; at once on the
  // caller's if it happened before. The destructor waits for an action that is running.
  class [[nodiscard]] Action {
   public:
    Action(Interrupts& interrupts, std::function<void()> action);
    ~Action();
    Action(const Action&) = delete;
    Action& operator=(const Action&) = delete;

   private:
    Interrupts& interrupts_;
  };

 private:
  void Watch();

  int signal_fd_ = -1;
  int stop_fd_ = -1;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool happened_ = false;
  std::mutex action_mutex_;  // held while action_ runs
  std::function<void()> action_;
  std::thread thread_;
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_INTERRUPTS_H_
