// handshakectl stats
#include <memory>

#include "control/ctl/commands.h"
#include "control/report/stats_report.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::ctl {
namespace {

struct StatsFlags {
  bool watch = false;
  int64_t count = 0;  // rows to watch; 0: no end
  std::chrono::nanoseconds interval = std::chrono::seconds(1);
};

int ShowStats(Context& context) {
  const auto stub = v1::ServerService::NewStub(context.channel());
  v1::Stats stats;
  const grpc::Status status =
      context.Call([&](grpc::ClientContext& call) { return stub->GetStats(&call, {}, &stats); });
  if (!status.ok()) return context.Explain(status);
  return context.Show(stats, report::StatsPage(stats, context.style()));
}

int WatchStats(Context& context, const StatsFlags& flags) {
  const auto stub = v1::ServerService::NewStub(context.channel());
  v1::WatchStatsRequest request;
  *request.mutable_interval() = ToProto(flags.interval);
  report::StatsRows rows(context.style());
  int64_t shown = 0;
  const grpc::Status status = context.Stream<v1::Stats>(
      flags.interval, [&](grpc::ClientContext& call) { return stub->WatchStats(&call, request); },
      [&](const v1::Stats& stats) {
        return context.ShowNext(stats, rows.Next(stats)) && ++shown != flags.count;
      });
  return status.ok() ? context.stream_code() : context.Explain(status);
}

}  // namespace

void AddStats(CLI::App& app, Context& context) {
  const auto flags = std::make_shared<StatsFlags>();
  CLI::App* stats = app.add_subcommand("stats", "What the server has done and does now");
  stats->fallthrough();
  stats->add_flag("-w,--watch", flags->watch, "One row an interval, until Ctrl-C");
  report::AddDuration(*stats, "--interval", &flags->interval, "Between two rows, 100ms to 1m");
  stats->add_option("--count", flags->count, "End after this many rows")
      ->check(report::FromOne())
      ->type_name("N");
  stats->footer(
      "Counts are since the server's start and belong to the mode that accepted the connection,\n"
      "wherever it finished. HELD: past message 2. HANDED OVER: passed on alive at a switch.\n"
      "Watching, rates are those since the row before; P99 is of the mode in force, since the "
      "start."
      "\n\n"
      "Examples:\n"
      "  handshakectl stats\n"
      "  handshakectl stats --watch --interval 500ms\n"
      "  handshakectl stats --watch -o json | jq -c '[.time, .completedPerSecond]'");
  stats->callback([&context, flags] {
    context.command = [&context, flags] {
      return flags->watch ? WatchStats(context, *flags) : ShowStats(context);
    };
  });
}

}  // namespace handshake::ctl
