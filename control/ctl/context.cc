#include "control/ctl/context.h"

#include <cerrno>
#include <cstring>
#include <map>

#include "absl/strings/str_format.h"
#include "control/report/json.h"
#include "control/rpc/channel.h"

namespace handshake::ctl {
namespace {

const char* CodeName(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return "OK";
    case grpc::StatusCode::CANCELLED:
      return "CANCELLED";
    case grpc::StatusCode::UNKNOWN:
      return "UNKNOWN";
    case grpc::StatusCode::INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case grpc::StatusCode::NOT_FOUND:
      return "NOT_FOUND";
    case grpc::StatusCode::ALREADY_EXISTS:
      return "ALREADY_EXISTS";
    case grpc::StatusCode::PERMISSION_DENIED:
      return "PERMISSION_DENIED";
    case grpc::StatusCode::UNAUTHENTICATED:
      return "UNAUTHENTICATED";
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case grpc::StatusCode::FAILED_PRECONDITION:
      return "FAILED_PRECONDITION";
    case grpc::StatusCode::ABORTED:
      return "ABORTED";
    case grpc::StatusCode::OUT_OF_RANGE:
      return "OUT_OF_RANGE";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    case grpc::StatusCode::INTERNAL:
      return "INTERNAL";
    case grpc::StatusCode::UNAVAILABLE:
      return "UNAVAILABLE";
    case grpc::StatusCode::DATA_LOSS:
      return "DATA_LOSS";
    default:
      return "UNKNOWN";
  }
}

// gRPC's "failed to connect to all addresses; last error: UNKNOWN: ...: Connection refused":
// the words behind the last colon.
std::string_view Cause(std::string_view message) {
  const size_t at = message.rfind(": ");
  return at == std::string_view::npos ? message : message.substr(at + 2);
}

}  // namespace

StallGuard::StallGuard(grpc::ClientContext& call, std::chrono::nanoseconds patience)
    : thread_([this, &call, patience] { Watch(call, patience); }) {}

StallGuard::~StallGuard() {
  {
    std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void StallGuard::Alive() {
  {
    std::lock_guard lock(mutex_);
    ++signs_of_life_;
  }
  changed_.notify_all();
}

bool StallGuard::stalled() const {
  std::lock_guard lock(mutex_);
  return stalled_;
}

void StallGuard::Watch(grpc::ClientContext& call, std::chrono::nanoseconds patience) {
  std::unique_lock lock(mutex_);
  while (!done_ && !stalled_) {
    const int64_t seen = signs_of_life_;
    stalled_ = !changed_.wait_for(lock, patience,
                                  [this, seen] { return done_ || signs_of_life_ != seen; });
  }
  if (stalled_) call.TryCancel();
}

void Context::AddFlags(CLI::App& app) {
  app.add_option("--endpoint", endpoint_, "Control HOST:PORT to call")
      ->envname("HANDSHAKE_ENDPOINT")
      ->type_name("ADDRESS")
      ->capture_default_str();
  report::AddDuration(app, "--timeout", &timeout_, "How long a call may take");
  app.add_option("-o,--output", output_, "table, or json for scripts")
      ->check(CLI::IsMember({"table", "json"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  static const std::map<std::string, report::ColourChoice> kChoices = {
      {"auto", report::ColourChoice::kAuto},
      {"always", report::ColourChoice::kAlways},
      {"never", report::ColourChoice::kNever}};
  app.add_option_function<std::string>(
         "--color", [this](const std::string& choice) { colour_ = kChoices.at(choice); },
         "auto (on a terminal, unless NO_COLOR is set), always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN")
      ->default_str("auto");
}

absl::Status Context::Connect() {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = control::MakeChannel(endpoint_);
  if (channel.ok()) channel_ = *std::move(channel);
  return channel.status();
}

grpc::Status Context::Call(const std::function<grpc::Status(grpc::ClientContext&)>& call) {
  grpc::ClientContext context;
  SetDeadline(context);
  const report::Interrupts::Action cancel(interrupts_, [&context] { context.TryCancel(); });
  return call(context);
}

void Context::SetDeadline(grpc::ClientContext& call) const { control::SetTimeout(call, timeout_); }

int Context::Explain(const grpc::Status& status) {
  const std::string& message = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return kExitOk;
    case grpc::StatusCode::CANCELLED:
      if (interrupts_.happened()) return kExitInterrupted;
      break;
    case grpc::StatusCode::UNAVAILABLE:
      if (message.find("Socket closed") != std::string::npos ||
          message.find("reset by peer") != std::string::npos) {
        Complain(absl::StrFormat(
            "%s closed the connection (%s): it may have too many, or be stopping; its log tells, "
            "try again",
            endpoint_, Cause(message)));
      } else if (message.find("failed to connect") != std::string::npos) {
        Complain(absl::StrFormat(
            "cannot reach %s (%s); start handshake-server there, or name another --endpoint",
            endpoint_, Cause(message)));
      } else if (message.starts_with("spec.target: ")) {
        Complain(message);  // the target is what cannot be reached
      } else {
        Complain(absl::StrFormat("%s broke off (%s); it may be stopping: try again", endpoint_,
                                 message));
      }
      return kExitUnreachable;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      Complain(absl::StrFormat("no answer from %s in time; check the address, or raise --timeout",
                               endpoint_));
      return kExitUnreachable;
    case grpc::StatusCode::UNIMPLEMENTED:
      Complain(
          absl::StrFormat("%s does not serve this command: modes and stats are a server's, "
                          "load runs a server's or an agent's; name another --endpoint",
                          endpoint_));
      return kExitRefused;
    default:
      break;
  }
  Complain(absl::StrFormat("refused: %s: %s", CodeName(status.error_code()), message));
  return kExitRefused;
}

int Context::Show(const google::protobuf::Message& message, std::string_view text, int code) {
  const std::string json_text = json() ? report::Json(message) : std::string();
  if (report::Print(json() ? json_text : text) != report::PrintResult::kFailed) return code;
  Complain(absl::StrFormat("cannot write the output: %s", std::strerror(errno)));
  return kExitBadOutcome;
}

bool Context::ShowNext(const google::protobuf::Message& message, std::string_view text) {
  const std::string json_text = json() ? report::JsonLine(message) : std::string();
  switch (report::Print(json() ? json_text : text)) {
    case report::PrintResult::kPrinted:
      return true;
    case report::PrintResult::kReaderGone:
      return false;
    case report::PrintResult::kFailed:
      break;
  }
  Complain(absl::StrFormat("cannot write the output: %s", std::strerror(errno)));
  stream_code_ = kExitBadOutcome;
  return false;
}

google::protobuf::Duration ToProto(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  google::protobuf::Duration proto;
  proto.set_seconds(seconds.count());
  proto.set_nanos(static_cast<int32_t>((duration - seconds).count()));
  return proto;
}

}  // namespace handshake::ctl
