// What every command of handshakectl stands on: where the server is, how to call it, how to answer
// the person.
#ifndef HANDSHAKE_CONTROL_CTL_CONTEXT_H_
#define HANDSHAKE_CONTROL_CTL_CONTEXT_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "control/report/flags.h"
#include "control/report/interrupts.h"
#include "control/report/table.h"
#include "control/report/terminal.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"

namespace handshake::ctl {

using report::kExitBadOutcome;
using report::kExitInterrupted;
using report::kExitOk;
using report::kExitUnreachable;
using report::kExitUsage;
inline constexpr int kExitRefused = 4;

// Cancels a stream on which nothing comes: a server that hangs keeps its connection. Owned by the
// thread that reads; watches on one of its own.
class StallGuard {
 public:
  // Borrows `call`.
  StallGuard(grpc::ClientContext& call, std::chrono::nanoseconds patience);
  ~StallGuard();
  StallGuard(const StallGuard&) = delete;
  StallGuard& operator=(const StallGuard&) = delete;

  void Alive();  // something came
  bool stalled() const;

 private:
  void Watch(grpc::ClientContext& call, std::chrono::nanoseconds patience);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int64_t signs_of_life_ = 0;
  bool stalled_ = false;
  bool done_ = false;
  std::thread thread_;
};

// Owned by main, used by the main thread. The flags are bound to it before parsing; `command` is
// what the parsed command line asks for.
class Context {
 public:
  explicit Context(report::Interrupts& interrupts) : interrupts_(interrupts) {}

  // --endpoint, --timeout, --output and --color.
  void AddFlags(CLI::App& app);

  std::function<int()> command;  // returns the exit code

  bool json() const { return output_ == "json"; }
  report::Style style() const { return report::StdoutStyle(colour_); }
  const std::string& endpoint() const { return endpoint_; }
  std::chrono::nanoseconds timeout() const { return timeout_; }
  report::Interrupts& interrupts() { return interrupts_; }

  // Makes the channel; it connects at the first call. INVALID_ARGUMENT: --endpoint is none.
  absl::Status Connect();
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // One call with the deadline of --timeout, cancelled by an interrupt:
  //   grpc::Status status = context.Call([&](grpc::ClientContext& call) {
  //     return stub.GetServer(&call, request, &response); });
  grpc::Status Call(const std::function<grpc::Status(grpc::ClientContext&)>& call);

  // For calls that an interrupt must not cancel.
  void SetDeadline(grpc::ClientContext& call) const;

  // A server stream of any length, cancelled by an interrupt or when `each` returns false (then OK
  // is returned). DEADLINE_EXCEEDED: nothing came for `interval` and --timeout.
  template <class Response>
  grpc::Status Stream(
      std::chrono::nanoseconds interval,
      const std::function<std::unique_ptr<grpc::ClientReader<Response>>(grpc::ClientContext&)>&
          open,
      const std::function<bool(const Response&)>& each);

  // Says on stderr, in one line, why the call failed and what to do next; returns the exit code.
  int Explain(const grpc::Status& status);

  // Prints `text`, or `message` as JSON if that was asked for. Returns `code`, or kExitBadOutcome
  // if stdout cannot be written to.
  int Show(const google::protobuf::Message& message, std::string_view text, int code = kExitOk);
  // One of a stream of answers; false if there is no point in showing more.
  bool ShowNext(const google::protobuf::Message& message, std::string_view text);
  // What the last ShowNext ends the command with.
  int stream_code() const { return stream_code_; }

  void Complain(std::string_view text) { report::PrintError("handshakectl", text); }

 private:
  report::Interrupts& interrupts_;
  std::string endpoint_ = "127.0.0.1:7001";
  std::chrono::nanoseconds timeout_ = std::chrono::seconds(5);
  std::string output_ = "table";
  report::ColourChoice colour_ = report::ColourChoice::kAuto;
  std::shared_ptr<grpc::Channel> channel_;
  int stream_code_ = kExitOk;
};

template <class Response>
grpc::Status Context::Stream(
    std::chrono::nanoseconds interval,
    const std::function<std::unique_ptr<grpc::ClientReader<Response>>(grpc::ClientContext&)>& open,
    const std::function<bool(const Response&)>& each) {
  grpc::ClientContext call;
  const report::Interrupts::Action cancel(interrupts_, [&call] { call.TryCancel(); });
  const std::unique_ptr<grpc::ClientReader<Response>> reader = open(call);
  StallGuard guard(call, interval + timeout_);
  Response response;
  bool enough = false;
  while (!enough && reader->Read(&response)) {
    guard.Alive();
    enough = !each(response);
  }
  if (enough) call.TryCancel();
  const grpc::Status status = reader->Finish();
  if (enough) return grpc::Status::OK;
  return guard.stalled() ? grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "stalled") : status;
}

google::protobuf::Duration ToProto(std::chrono::nanoseconds duration);

}  // namespace handshake::ctl

#endif  // HANDSHAKE_CONTROL_CTL_CONTEXT_H_
