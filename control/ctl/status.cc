// handshakectl status
#include "control/ctl/commands.h"
#include "control/report/server_report.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::ctl {
namespace {

int ShowStatus(Context& context) {
  const auto stub = v1::ServerService::NewStub(context.channel());
  v1::Server server;
  const grpc::Status status =
      context.Call([&](grpc::ClientContext& call) { return stub->GetServer(&call, {}, &server); });
  if (!status.ok()) return context.Explain(status);
  return context.Show(server, report::ServerPage(server, context.endpoint(), context.style()));
}

}  // namespace

void AddStatus(CLI::App& app, Context& context) {
  CLI::App* status = app.add_subcommand("status", "What the server is and which mode it runs");
  status->fallthrough();
  status->footer(
      "Examples:\n"
      "  handshakectl status\n"
      "  handshakectl --endpoint 127.0.0.1:9001 status -o json");
  status->callback([&context] { context.command = [&context] { return ShowStatus(context); }; });
}

}  // namespace handshake::ctl
