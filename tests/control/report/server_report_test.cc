#include "control/report/server_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handshake/v1/server_service.pb.h"
#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

using ::testing::HasSubstr;

v1::ModeSwitch ASwitch() {
  v1::ModeSwitch change;
  change.set_id(3);
  change.set_state(v1::ModeSwitch::STATE_COMPLETED);
  change.set_from(v1::MODE_THREAD_PER_CONNECTION);
  change.set_to(v1::MODE_EPOLL);
  change.set_generation(4);
  change.set_requested_by("127.0.0.1:40000");
  change.mutable_request_time()->set_seconds(1'748'786'585);
  *change.mutable_prepare_time() = Us(120);
  *change.mutable_switch_time() = Us(1'250);
  *change.mutable_drain_time() = Us(1'000'300);
  change.set_in_flight_count(512);
  change.set_finished_count(11);
  change.set_failed_count(1);
  change.set_handed_over_count(500);
  return change;
}

TEST(SwitchReportTest, Page) {
  EXPECT_EQ(SwitchPage(ASwitch(), {}),
            "switch         3, generation 4\n"
            "state          completed\n"
            "modes          thread-per-connection -> epoll\n"
            "requested      2025-06-01 14:03:05Z by 127.0.0.1:40000\n"
            "prepare time   120 us\n"
            "switch time    1.25 ms\n"
            "drain time     1.00 s\n"
            "in flight      512\n"
            "  finished     11\n"
            "  failed       1\n"
            "  handed over  500\n"
            "  lost         0\n");
}

TEST(SwitchReportTest, Line) {
  v1::ModeSwitch change = ASwitch();
  EXPECT_EQ(SwitchLine(change, {}),
            "thread-per-connection -> epoll in 1.25 ms, generation 4, switch 3\n");
  change.set_state(v1::ModeSwitch::STATE_DRAINING);
  EXPECT_THAT(SwitchLine(change, {}), HasSubstr("; 512 in flight drain in the background\n"));
  change.set_state(v1::ModeSwitch::STATE_DRY_RUN);
  EXPECT_EQ(SwitchLine(change, {}),
            "dry run: thread-per-connection -> epoll would work (prepared in 120 us); nothing "
            "changed\n");
  change.set_state(v1::ModeSwitch::STATE_UNCHANGED);
  EXPECT_EQ(SwitchLine(change, {}), "epoll was in force already (generation 4); nothing changed\n");
}

TEST(SwitchReportTest, History) {
  v1::ListModeSwitchesResponse switches;
  EXPECT_EQ(SwitchesTable(switches, {}), "no switches yet\n");
  *switches.add_mode_switches() = ASwitch();
  switches.mutable_mode_switches(0)->set_state(v1::ModeSwitch::STATE_DRAINING);
  *switches.add_mode_switches() = ASwitch();
  EXPECT_EQ(
      SwitchesTable(switches, {}),
      "                                            SWITCH     DRAIN            HANDED\n"
      "ID  UTC       FROM                   TO         ms        ms  FINISHED    OVER  LOST\n"
      " 3  14:03:05  thread-per-connection  epoll    1.25  draining        11     500     0\n"
      " 3  14:03:05  thread-per-connection  epoll    1.25      1000        11     500     0\n");
}

TEST(ServerReportTest, Page) {
  v1::Server server;
  server.set_version("0.1.0");
  server.add_listen_addresses("127.0.0.1:7000");
  server.add_listen_addresses("[::1]:7000");
  server.set_framing(v1::FRAMING_AUTO);
  server.set_mode(v1::MODE_EPOLL);
  server.set_generation(3);
  server.mutable_start_time()->set_seconds(1'748'786'585);
  *server.mutable_uptime() = Us(3'723'000'000);
  server.set_process_id(4711);
  server.set_cpu_count(2);
  EXPECT_EQ(ServerPage(server, "127.0.0.1:7001", {}),
            "control        127.0.0.1:7001\n"
            "version        0.1.0\n"
            "mode           epoll, generation 3\n"
            "serves         127.0.0.1:7000, [::1]:7000 (framing auto)\n"
            "up             1h 02m 03s, since 2025-06-01 14:03:05Z\n"
            "process        4711 on 2 CPUs\n");
}

TEST(ServerReportTest, Modes) {
  v1::ListModesResponse modes;
  v1::ModeInfo& pool = *modes.add_modes();
  pool.set_name("thread-pool");
  pool.set_description("a fixed number of threads, each with one connection at a time");
  pool.set_available(true);
  pool.set_max_concurrent(4);
  v1::ModeInfo& epoll = *modes.add_modes();
  epoll.set_name("epoll");
  epoll.set_unavailable_reason("too few file descriptors; raise ulimit -n");
  v1::ModeInfo& sequential = *modes.add_modes();
  sequential.set_name("sequential");
  sequential.set_description("one at a time");
  sequential.set_available(true);
  sequential.set_active(true);
  sequential.set_max_concurrent(1);
  EXPECT_EQ(
      ModesTable(modes, {}),
      "   MODE         MAX CONCURRENT  HOW IT WORKS\n"
      "   thread-pool               4  a fixed number of threads, each with one connection at "
      "a time\n"
      "   epoll                     -  not available: too few file descriptors; raise ulimit "
      "-n\n"
      "*  sequential                1  one at a time\n");
}

}  // namespace
}  // namespace handshake::report
