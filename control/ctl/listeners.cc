// handshakectl listeners
#include "control/ctl/commands.h"
#include "control/report/listeners_report.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::ctl {
namespace {

int ListListeners(Context& context) {
  const auto stub = v1::ServerService::NewStub(context.channel());
  v1::ListListenersResponse listeners;
  const grpc::Status status = context.Call(
      [&](grpc::ClientContext& call) { return stub->ListListeners(&call, {}, &listeners); });
  if (!status.ok()) return context.Explain(status);
  return context.Show(listeners, report::ListenersPage(listeners, context.style()));
}

}  // namespace

void AddListeners(CLI::App& app, Context& context) {
  CLI::App* listeners =
      app.add_subcommand("listeners", "Where it listens, what it speaks there, counts");
  listeners->fallthrough();
  listeners->footer(
      "Examples:\n"
      "  handshakectl listeners\n"
      "  handshakectl listeners -o json | jq '.listeners[].stats.inFlightCount'");
  listeners->callback(
      [&context] { context.command = [&context] { return ListListeners(context); }; });
}

}  // namespace handshake::ctl
