#include "control/report/stats_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "handshake/v1/server_service.pb.h"
#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::Stats SomeStats() {
  v1::Stats stats;
  stats.mutable_time()->set_seconds(1'748'786'585);
  *stats.mutable_uptime() = Us(3'723'000'000);
  stats.set_mode(v1::MODE_EPOLL);
  stats.set_generation(2);
  stats.set_accepted_per_second(12'345);
  stats.set_completed_per_second(12'340);
  v1::ModeStats& mode = *stats.add_modes();
  mode.set_mode(v1::MODE_EPOLL);
  mode.set_accepted_count(1'234'567);
  mode.set_completed_count(1'234'500);
  mode.set_failed_count(60);
  mode.set_in_flight_count(7);
  mode.set_received_bytes(50'440'000);
  *mode.mutable_engine_cpu_time() = Us(12'345'000);
  *mode.mutable_handshake() = ALatency(1'234'500);
  v1::VerdictCount& failure = *mode.add_failures();
  failure.set_verdict(v1::VERDICT_MALFORMED);
  failure.set_count(60);
  stats.mutable_process()->set_resident_bytes(50'440'000);
  *stats.mutable_process()->mutable_cpu_time() = Us(15'000'000);
  v1::ListenerStats& listener = *stats.add_listeners();
  listener.set_address("127.0.0.1:7000");
  listener.set_protocol("handshake");
  listener.set_framing(v1::FRAMING_AUTO);
  listener.set_accept_queue_limit(4'096);
  return stats;
}

TEST(StatsReportTest, Page) {
  EXPECT_EQ(StatsPage(SomeStats(), {}),
            "mode           epoll, generation 2\n"
            "up             1h 02m 03s at 2025-06-01 14:03:05Z\n"
            "last second    12.3k/s accepted, 12.3k/s completed, 0/s failed\n"
            "traffic        48.1 MiB received, 0 B sent\n"
            "process        CPU 15.0 s, memory 48.1 MiB, 0 threads, 0 of 0 file descriptors\n"
            "switching      lobby 0, draining engines 0\n"
            "\n"
            "                                                            HANDED  ENGINE CPU\n"
            "CONNECTIONS   ACCEPTED  COMPLETED  FAILED  IN FLIGHT  HELD    OVER     us each\n"
            "epoll        1,234,567  1,234,500      60          7     0       0        10.0\n"
            "\n"
            "LATENCY ms  OF                      COUNT   MEAN    P50    P90   P99  P99.9  MAX\n"
            "epoll       handshake           1,234,500  0.231  0.200  0.400  1.25   12.5  125\n"
            "            accept to 1st byte          0      -      -      -     -      -    -\n"
            "            1st byte to end             0      -      -      -     -      -    -\n"
            "\n"
            "FAILED  COUNT  REASON     MEANING\n"
            "epoll      60  MALFORMED  expected HELLO and a canonical decimal int64\n"
            "\n"
            "LISTENER        PROTOCOL         ACCEPTED  COMPLETED  FAILED  IN FLIGHT  MESSAGES  "
            "QUEUED  DROPPED\n"
            "127.0.0.1:7000  handshake, auto         0          0       0          0         0  "
            "     0        0\n"
            "network namespace since boot: 0 queue overflows, 0 drops\n");
}

TEST(StatsReportTest, RowsLineUp) {
  StatsRows rows({});
  const v1::Stats first = SomeStats();
  v1::Stats second = first;
  second.mutable_time()->set_seconds(first.time().seconds() + 1);
  *second.mutable_uptime() = Us(3'724'000'000);
  *second.mutable_process()->mutable_cpu_time() = Us(15'500'000);
  second.set_mode(v1::MODE_THREAD_PER_CONNECTION);
  second.mutable_modes(0)->set_accepted_count(first.modes(0).accepted_count() + 503);
  second.mutable_modes(0)->set_completed_count(first.modes(0).completed_count() + 500);
  second.mutable_modes(0)->set_failed_count(first.modes(0).failed_count() + 3);
  const std::string shown = rows.Next(first);
  EXPECT_EQ(shown + rows.Next(second),
            "                                        ACCEPT   DONE   FAIL                   P99    "
            "CPU  MEMORY\n"
            "UTC       MODE                     GEN      /s     /s     /s  ACTIVE  LOBBY     ms    "
            "  %     MiB\n"
            "14:03:05  epoll                      2   12.3k  12.3k      0       7      0   1.25    "
            "  -    48.1\n"
            "14:03:06  thread-per-connection      2     503    500   3.00       7      0      -   "
            "50.0    48.1\n");
  for (int i = 2; i < 20; ++i) EXPECT_THAT(rows.Next(second), Not(HasSubstr("ACTIVE")));
  EXPECT_THAT(rows.Next(second), HasSubstr("ACTIVE"));
}

}  // namespace
}  // namespace handshake::report
