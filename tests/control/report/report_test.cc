// The rendered text itself: what a person sees, column by column.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "common/wire/verdict.h"
#include "control/report/capacity_report.h"
#include "control/report/flags.h"
#include "control/report/hold_report.h"
#include "control/report/html_report.h"
#include "control/report/humane.h"
#include "control/report/json.h"
#include "control/report/load_report.h"
#include "control/report/names.h"
#include "control/report/server_report.h"
#include "control/report/stats_report.h"
#include "control/report/table.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"

namespace handshake::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();

google::protobuf::Duration Us(int64_t us) {
  google::protobuf::Duration span;
  span.set_seconds(us / 1'000'000);
  span.set_nanos(static_cast<int32_t>(us % 1'000'000 * 1'000));
  return span;
}

void ExpectFits(const std::string& text) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    EXPECT_LE(line.size(), kMaxWidth) << line;
    EXPECT_TRUE(line.empty() || line.back() != ' ') << "space at the end of: " << line;
  }
}

// Sets every number, text and list of a message, nested ones too, to something extreme.
void Fill(google::protobuf::Message& message, int64_t number, const std::string& text) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  if (type.full_name().starts_with("google.protobuf.")) {
    reflection.SetInt64(&message, type.FindFieldByName("seconds"), number < 0 ? -5 : 253402300799);
    return;
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_repeated()) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        for (int n = 0; n < 2; ++n) Fill(*reflection.AddMessage(&message, field), number, text);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
        for (int n = 0; n < 2; ++n) reflection.AddInt64(&message, field, number);
      } else {
        for (int n = 0; n < 9; ++n) reflection.AddString(&message, field, text);
      }
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(&message, field, number);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection.SetDouble(&message, field, static_cast<double>(number));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&message, field, number > 0);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(&message, field, text);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection.SetEnumValue(&message, field, 2);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        Fill(*reflection.MutableMessage(&message, field), number, text);
        break;
      default:
        FAIL() << "a field of an unexpected type: " << field->full_name();
    }
  }
}

template <class Message>
Message Filled(int64_t number, const std::string& text) {
  Message message;
  Fill(message, number, text);
  return message;
}

TEST(HumaneTest, Counts) {
  EXPECT_EQ(Count(0), "0");
  EXPECT_EQ(Count(999), "999");
  EXPECT_EQ(Count(1'000), "1,000");
  EXPECT_EQ(Count(9'999'999), "9,999,999");
  EXPECT_EQ(Count(10'000'000), "10.0M");
  EXPECT_EQ(Count(-1'234), "-1,234");
  EXPECT_EQ(Count(kHuge), "9.22E");
  EXPECT_EQ(Count(kLowest), "-9.22E");
}

TEST(HumaneTest, Rates) {
  EXPECT_EQ(Rate(0), "0/s");
  EXPECT_EQ(Rate(0.853), "0.85/s");
  EXPECT_EQ(Rate(12'345), "12.3k/s");
  EXPECT_EQ(Rate(999.6), "1.00k/s");
  EXPECT_EQ(Rate(99.96), "100/s");
  EXPECT_EQ(Rate(-12), "-12.0/s");
  EXPECT_EQ(Rate(std::numeric_limits<double>::quiet_NaN()), "-/s");
  EXPECT_EQ(Short(std::numeric_limits<double>::infinity()), "-");
}

TEST(HumaneTest, BytesAndTimes) {
  EXPECT_EQ(Bytes(0), "0 B");
  EXPECT_EQ(Bytes(999), "999 B");
  EXPECT_EQ(Bytes(50'440'000), "48.1 MiB");
  EXPECT_EQ(Bytes(kHuge), "8.00 EiB");
  EXPECT_EQ(SpanUs(0), "0 s");
  EXPECT_EQ(SpanUs(850), "850 us");
  EXPECT_EQ(SpanUs(1'250), "1.25 ms");
  EXPECT_EQ(SpanUs(2'500'000), "2.50 s");
  EXPECT_EQ(SpanUs(59.96e6), "1m 00s");
  EXPECT_EQ(Span(Us(125'000'000)), "2m 05s");
  EXPECT_EQ(Span(Us(3'723'000'000)), "1h 02m 03s");
  EXPECT_EQ(Span(Us(273'600'000'000)), "3d 04h");
  EXPECT_EQ(Span(Us(-1'250)), "-1.25 ms");
  EXPECT_EQ(MillisecondsUs(1), "0.001");
  EXPECT_EQ(MillisecondsUs(85), "0.085");
  EXPECT_EQ(MillisecondsUs(1'250), "1.25");
  EXPECT_EQ(MillisecondsUs(1'250'000), "1250");
  EXPECT_EQ(ShortCount(7), "7");
  EXPECT_EQ(ShortCount(kLowest), "-9.22E");
  EXPECT_EQ(DateTime({}), "-");
  google::protobuf::Timestamp time;
  time.set_seconds(1'748'786'585);
  EXPECT_EQ(DateTime(time), "2025-06-01 14:03:05Z");
  EXPECT_EQ(TimeOfDay(time), "14:03:05");
}

TEST(HumaneTest, NothingFromTheNetworkMovesTheCursor) {
  EXPECT_EQ(Printable("a\x1b[2J\n\t\xc3\xa9\x7f"), "a?[2J?????");
}

TEST(TableTest, AlignsAndWraps) {
  Table table({{"NAME", Column::Kind::kText},
               {"TWO\nLINES", Column::Kind::kNumber},
               {"PROSE", Column::Kind::kProse}});
  table.Add({"a", "1", "one two"});
  table.Add({"longer", "12,345", std::string("word ") + std::string(70, 'x') + " end of it here"});
  EXPECT_EQ(table.Render({}),
            "           TWO\n"
            "NAME     LINES  PROSE\n"
            "a            1  one two\n"
            "longer  12,345  word "
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx end of\n"
            "                it here\n");
}

TEST(TableTest, CutsTextThatIsTooWideAndNeverNumbers) {
  Table table({{"TEXT", Column::Kind::kText}, {"NUMBER", Column::Kind::kNumber}});
  table.Add({std::string(200, 'x'), "123456789"});
  const std::string text = table.Render({});
  ExpectFits(text);
  EXPECT_THAT(text, HasSubstr("xx..  123456789\n"));
}

TEST(TableTest, ColourChangesNoColumn) {
  Table table({{"A", Column::Kind::kText}, {"B", Column::Kind::kNumber}});
  table.Add({Cell("x", Tone::kBad), Cell("1", Tone::kGood)});
  EXPECT_EQ(table.Render({.colour = true}),
            "\x1b[1mA  B\x1b[0m\n"
            "\x1b[31mx\x1b[0m  \x1b[32m1\x1b[0m\n");
}

TEST(NamesTest, VerdictsAreTheWires) {
  const google::protobuf::EnumDescriptor& verdicts = *v1::Verdict_descriptor();
  ASSERT_EQ(verdicts.value_count(), wire::kVerdictCount);
  for (int i = 1; i < verdicts.value_count(); ++i) {
    const v1::Verdict verdict = static_cast<v1::Verdict>(verdicts.value(i)->number());
    EXPECT_EQ("VERDICT_" + VerdictName(verdict), verdicts.value(i)->name());
    EXPECT_FALSE(VerdictText(verdict).empty());
  }
  EXPECT_EQ(VerdictName(static_cast<v1::Verdict>(99)), "VERDICT_99");
  EXPECT_EQ(VerdictName(static_cast<v1::Verdict>(-1)), "VERDICT_-1");
}

TEST(NamesTest, ModesThereAndBack) {
  EXPECT_THAT(ModeNames(), ::testing::ElementsAre("sequential", "thread-per-connection",
                                                  "thread-pool", "epoll", "coroutine", "io-uring"));
  for (const std::string& name : ModeNames()) EXPECT_EQ(ModeName(*ModeByName(name)), name);
  EXPECT_FALSE(ModeByName("unspecified"));
  EXPECT_FALSE(ModeByName("EPOLL"));
  EXPECT_FALSE(ModeByName(""));
  EXPECT_EQ(ModeName(static_cast<v1::Mode>(9)), "mode-9");
}

TEST(JsonTest, HoldsDefaultsAndExactNumbers) {
  v1::ModeSwitch change;
  change.set_id(kHuge);
  change.set_to(v1::MODE_THREAD_POOL);
  *change.mutable_switch_time() = Us(1'250);
  const std::string line = JsonLine(change);
  EXPECT_THAT(line, AllOf(HasSubstr("\"id\":\"9223372036854775807\""),
                          HasSubstr("\"to\":\"MODE_THREAD_POOL\""),
                          HasSubstr("\"switchTime\":\"0.001250s\""),
                          HasSubstr("\"lostCount\":\"0\""), ::testing::EndsWith("}\n")));
  EXPECT_THAT(line.substr(0, line.size() - 1), Not(HasSubstr("\n")));
  EXPECT_THAT(Json(change), StartsWith("{\n"));
}

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

v1::Latency ALatency(int64_t count) {
  v1::Latency latency;
  latency.set_count(count);
  latency.set_min_us(50);
  latency.set_mean_us(230.5);
  latency.set_p50_us(200);
  latency.set_p90_us(400);
  latency.set_p99_us(1'250);
  latency.set_p999_us(12'500);
  latency.set_max_us(125'000);
  return latency;
}

v1::LoadRun ARun() {
  v1::LoadRun run;
  run.set_id("run-1");
  run.set_state(v1::LoadRun::STATE_FAILED);
  run.mutable_spec()->set_target("127.0.0.1:7000");
  run.mutable_spec()->set_concurrency(100);
  run.mutable_spec()->set_framing(v1::FRAMING_LINE);
  *run.mutable_spec()->mutable_duration() = Us(10'000'000);
  run.mutable_start_time()->set_seconds(1'748'786'585);
  *run.mutable_elapsed() = Us(4'500'000);
  run.set_ok_count(123'456);
  run.set_failed_count(2);
  run.set_ok_per_second(27'434.6);
  run.set_peak_connection_count(100);
  *run.mutable_cpu_time() = Us(1'250'000);
  *run.mutable_handshake() = ALatency(123'456);
  v1::VerdictCount& failure = *run.add_failures();
  failure.set_verdict(v1::VERDICT_TIMEOUT_STEP_2);
  failure.set_count(2);
  return run;
}

TEST(LoadReportTest, Page) {
  EXPECT_EQ(LoadPage(ARun(), {}),
            "run-1          failed\n"
            "target         127.0.0.1:7000, framing line\n"
            "asked for      10.0 s, 100 at once\n"
            "handshakes     123,456 ok, 2 failed, of 123,458 in 4.50 s\n"
            "rate           27.4k/s ok, 100 connections at the most\n"
            "client CPU     1.25 s, 10.1 us a handshake\n"
            "run file       target: \"127.0.0.1:7000\" concurrency: 100 duration { seconds: 10 } "
            "framing:\n"
            "               FRAMING_LINE\n"
            "\n"
            "LATENCY ms       COUNT    MIN   MEAN    P50    P90   P99  P99.9  MAX\n"
            "handshake      123,456  0.050  0.231  0.200  0.400  1.25   12.5  125\n"
            "connect              0      -      -      -      -     -      -    -\n"
            "reply                0      -      -      -      -     -      -    -\n"
            "close                0      -      -      -      -     -      -    -\n"
            "\n"
            "FAILED          COUNT  MEANING\n"
            "TIMEOUT_STEP_2      2  HELLO X+1 could not be delivered in time\n");
}

v1::LoadRun AnOpenRun() {
  v1::LoadRun run = ARun();
  run.set_state(v1::LoadRun::STATE_SUCCEEDED);
  run.mutable_spec()->clear_concurrency();
  run.mutable_spec()->set_rate_per_second(500);
  run.mutable_spec()->set_arrivals(v1::LoadSpec::ARRIVALS_POISSON);
  run.mutable_spec()->set_max_in_flight_count(1'000);
  *run.mutable_elapsed() = Us(10'000'000);
  run.clear_failures();
  run.set_failed_count(0);
  run.set_planned_count(50'012);
  run.set_started_count(49'800);
  run.set_ok_count(49'800);
  run.set_dropped_count(200);
  run.set_ok_per_second(4'980);
  *run.mutable_handshake() = ALatency(49'800);
  *run.mutable_from_intended_start() = ALatency(49'800);
  *run.mutable_send_lag() = ALatency(49'800);
  return run;
}

TEST(LoadReportTest, PageOfAnOpenLoop) {
  EXPECT_EQ(
      LoadPage(AnOpenRun(), {}),
      "run-1          succeeded\n"
      "target         127.0.0.1:7000, framing line\n"
      "asked for      10.0 s, 500/s poisson (seed 0), at most 1,000 in flight\n"
      "arrivals       50,012 planned: 49,800 begun, 200 dropped, 12 not sent in time\n"
      "handshakes     49,800 ok, 0 failed, of 49,800 in 10.0 s\n"
      "rate           4.98k/s ok, 100 connections at the most\n"
      "client CPU     1.25 s, 25.1 us a handshake\n"
      "run file       target: \"127.0.0.1:7000\" duration { seconds: 10 } framing: FRAMING_LINE\n"
      "               rate_per_second: 500 arrivals: ARRIVALS_POISSON max_in_flight_count: 1000\n"
      "\n"
      "LATENCY ms      COUNT    MIN   MEAN    P50    P90   P99  P99.9  MAX\n"
      "from intended  49,800  0.050  0.231  0.200  0.400  1.25   12.5  125\n"
      "handshake      49,800  0.050  0.231  0.200  0.400  1.25   12.5  125\n"
      "connect             0      -      -      -      -     -      -    -\n"
      "reply               0      -      -      -      -     -      -    -\n"
      "close               0      -      -      -      -     -      -    -\n"
      "send lag       49,800  0.050  0.231  0.200  0.400  1.25   12.5  125\n");
  v1::LoadRun staged = AnOpenRun();
  staged.mutable_spec()->clear_rate_per_second();
  staged.mutable_spec()->add_stages("5s:100..900");
  staged.mutable_spec()->add_stages("5s:900");
  staged.mutable_spec()->mutable_warmup_time()->set_seconds(2);
  *staged.mutable_measured_time() = Us(8'000'000);
  EXPECT_THAT(
      LoadPage(staged, {}),
      HasSubstr("asked for      10.0 s, 5s:100..900 5s:900 poisson (seed 0), at most 1,000 in "
                "flight\n"
                "warm-up        the first 2.00 s are left out below\n"));
  EXPECT_THAT(LoadPage(staged, {}), HasSubstr("of 49,800 in 8.00 s\n"));
  EXPECT_THAT(LoadProgress(AnOpenRun()), HasSubstr("p99 1.25 ms  200 dropped"));
}

TEST(LoadReportTest, AShortfallIsSaidFirstThenWhatWasBreachedAndWhoLimited) {
  v1::LoadRun run = AnOpenRun();
  run.set_state(v1::LoadRun::STATE_FAILED);
  run.set_shortfall("only 49800 of 50012 planned arrivals were begun");
  run.add_breaches("p99 > 1ms: it is 1.25ms");
  run.set_bottleneck(v1::LoadRun::BOTTLENECK_SERVER);
  run.set_bottleneck_reason("handshakes stayed open");
  EXPECT_THAT(LoadPage(run, {}),
              StartsWith("fell short     only 49800 of 50012 planned arrivals were begun\n"
                         "run-1          failed\n"
                         "breached       p99 > 1ms: it is 1.25ms\n"
                         "verdict        server-limited: handshakes stayed open\n"
                         "target         127.0.0.1:7000, framing line\n"));
}

TEST(LoadReportTest, WhatTheMachineTookAwayIsSaid) {
  v1::LoadRun run = AnOpenRun();
  EXPECT_THAT(LoadPage(run, {}), Not(HasSubstr("machine")));
  run.set_stolen_cpu_percent(3.14);
  run.set_retransmitted_segment_count(1'200);
  run.set_retransmitted_syn_count(7);
  EXPECT_THAT(LoadPage(run, {}),
              HasSubstr("a handshake\n"
                        "machine        3.1% of its CPU time stolen, 1,200 segments sent again "
                        "(7 SYN)\nrun file "));
}

v1::CapacityTrial& AddTrial(v1::CapacityReport& report, int64_t load,
                            v1::CapacityTrial::Stage stage, v1::CapacityTrial::Outcome outcome) {
  v1::CapacityTrial& trial = *report.add_trials();
  trial.set_load(load);
  trial.set_stage(stage);
  trial.set_outcome(outcome);
  return trial;
}

v1::CapacityReport ACapacity() {
  v1::CapacityReport report;
  report.set_target("127.0.0.1:7000");
  report.set_quantity(v1::CapacityReport::QUANTITY_RATE);
  report.add_conditions("p99 < 10ms");
  report.add_conditions("errors = 0");
  report.set_first_load(100);
  report.set_load_limit(1'000'000);
  report.set_precision_percent(5);
  *report.mutable_trial_time() = Us(3'000'000);
  *report.mutable_proof_time() = Us(9'000'000);
  *report.mutable_elapsed() = Us(65'000'000);
  report.set_outcome(v1::CapacityReport::OUTCOME_FOUND);
  report.set_proven_load(3'400);
  report.set_highest_passed_load(3'400);
  report.set_lowest_failed_load(3'560);
  v1::LoadRun& run =
      *AddTrial(report, 3'400, v1::CapacityTrial::STAGE_PROVE, v1::CapacityTrial::OUTCOME_PASSED)
           .mutable_load_run();
  *run.mutable_from_intended_start() = ALatency(10'000);
  run.set_ok_per_second(3'398);
  AddTrial(report, 3'560, v1::CapacityTrial::STAGE_BISECT, v1::CapacityTrial::OUTCOME_FAILED)
      .set_reason("p99 < 10ms: it is 12.5ms");
  AddTrial(report, 100, v1::CapacityTrial::STAGE_GROW, v1::CapacityTrial::OUTCOME_PASSED);
  return report;
}

TEST(CapacityReportTest, PageWithTheCurveByLoad) {
  EXPECT_EQ(CapacityPage(ACapacity(), {}),
            "capacity       3,400/s, proven for 9.00 s\n"
            "did not pass   3,560/s: p99 < 10ms: it is 12.5ms\n"
            "target         127.0.0.1:7000\n"
            "wanted         p99 < 10ms, errors = 0\n"
            "search         3 trials of 3.00 s in 1m 05s, from 100 up to 1,000,000/s, to 5%\n"
            "\n"
            "RATE /s  STAGE   OUTCOME  OK /s  P50 ms  P99 ms  MAX ms  FAILED  DROPPED  WHY\n"
            "    100  grow    passed       0       -       -       -       0        0\n"
            "  3,400  prove   passed   3.40k   0.200    1.25     125       0        0\n"
            "  3,560  bisect  failed       0       -       -       -       0        0  p99 < 10ms: "
            "it is 12.5ms\n");
}

TEST(CapacityReportTest, EachEndSaysWhatIsKnown) {
  v1::CapacityReport report = ACapacity();
  EXPECT_EQ(CapacityExitCode(report), 0);
  report.set_outcome(v1::CapacityReport::OUTCOME_GENERATOR_LIMITED);
  EXPECT_EQ(CapacityExitCode(report), 6);
  EXPECT_THAT(CapacityPage(report, {}),
              HasSubstr("at least 3,400/s, proven for 9.00 s; the generator, not the server"));
  report.clear_proven_load();
  report.set_outcome(v1::CapacityReport::OUTCOME_UNDECIDED);
  EXPECT_EQ(CapacityExitCode(report), 1);
  EXPECT_THAT(CapacityPage(report, {}), HasSubstr("3,400/s passed, not proven"));
  report.set_outcome(v1::CapacityReport::OUTCOME_NOTHING_PASSED);
  EXPECT_EQ(CapacityExitCode(report), 5);
  report.set_outcome(v1::CapacityReport::OUTCOME_UNREACHABLE);
  EXPECT_EQ(CapacityExitCode(report), 3);
  report.set_outcome(v1::CapacityReport::OUTCOME_LIMIT_REACHED);
  EXPECT_EQ(CapacityExitCode(report), 0);
}

TEST(CapacityReportTest, PageOfHeldConnections) {
  v1::CapacityReport report = ACapacity();
  report.set_quantity(v1::CapacityReport::QUANTITY_HELD_CONNECTIONS);
  report.mutable_trials(0)->mutable_hold_run()->set_held_count(3'400);
  report.mutable_trials(0)->mutable_hold_run()->set_finished_count(3'399);
  EXPECT_THAT(CapacityPage(report, {}),
              AllOf(HasSubstr("3,400 connections, proven for 9.00 s"),
                    HasSubstr("    3,400  prove   passed   3,400     3,399          0\n")));
}

TEST(LoadReportTest, TheExitCodeIsTheFirstThatFits) {
  v1::LoadRun run = AnOpenRun();
  EXPECT_EQ(LoadExitCode(run), 0);
  run.set_bottleneck(v1::LoadRun::BOTTLENECK_GENERATOR);
  EXPECT_EQ(LoadExitCode(run), 6);
  EXPECT_EQ(LoadExitCode(ARun()), 1);
  run.set_failed_count(1);
  run.set_state(v1::LoadRun::STATE_FAILED);
  EXPECT_EQ(LoadExitCode(run), 1);
  run.set_state_reason("stopped early");
  EXPECT_EQ(LoadExitCode(run), 5);
  run.clear_state_reason();
  run.add_breaches("p99 > 1ms");
  EXPECT_EQ(LoadExitCode(run), 5);
  v1::VerdictCount& failure = *run.add_failures();
  failure.set_verdict(v1::VERDICT_CONNECT_REFUSED);
  failure.set_count(1);
  EXPECT_EQ(LoadExitCode(run), 5) << "others were ok";
  run.set_ok_count(0);
  EXPECT_EQ(LoadExitCode(run), 3);
  run.add_failures()->set_verdict(v1::VERDICT_NO_LOCAL_RESOURCE);
  EXPECT_EQ(LoadExitCode(run), 5) << "it is not the target's fault";
  run.mutable_failures()->RemoveLast();
  run.set_state(v1::LoadRun::STATE_CANCELLED);
  EXPECT_EQ(LoadExitCode(run), 1);
  v1::LoadRun closed = ARun();
  closed.set_state(v1::LoadRun::STATE_SUCCEEDED);
  closed.set_bottleneck(v1::LoadRun::BOTTLENECK_GENERATOR);
  EXPECT_EQ(LoadExitCode(closed), 0) << "a closed loop was asked for no rate";
}

TEST(LoadReportTest, ARunThatWasGivenUpBreachedNothing) {
  v1::LoadRun run = ARun();
  run.set_state_reason("stopped early, errors > 0: it is 2");
  EXPECT_EQ(LoadExitCode(run), kExitBreached);
  run.set_given_up(true);
  EXPECT_EQ(LoadExitCode(run), kExitBadOutcome);
  run.set_ok_count(0);
  run.mutable_failures(0)->set_verdict(v1::VERDICT_CONNECT_REFUSED);
  EXPECT_EQ(LoadExitCode(run), kExitUnreachable);
}

TEST(LoadReportTest, ProgressIsTheNearerEnd) {
  v1::LoadRun run = ARun();
  EXPECT_EQ(LoadProgress(run),
            "[=========           ]  45%  4.50 s  123,456 ok  2 failed  27.4k/s  p99 1.25 ms");
  run.mutable_spec()->set_handshake_count(150'000);
  EXPECT_THAT(LoadProgress(run), HasSubstr("]  82%"));
  run.mutable_spec()->set_handshake_count(1);  // overshot
  EXPECT_THAT(LoadProgress(run), HasSubstr("[====================] 100%"));
  EXPECT_THAT(LoadProgress(v1::LoadRun()), HasSubstr("]   0%  0 s  0 ok"));
}

TEST(LoadReportTest, APauseShowsWhileItLastsAndEventsInTheEnd) {
  v1::LoadRun run = ARun();
  run.set_paused(true);
  EXPECT_THAT(LoadProgress(run), HasSubstr("2 failed  paused  p99 1.25 ms"));
  for (int i = 0; i < 12; ++i) {
    v1::LoadRunEvent& event = *run.add_events();
    *event.mutable_elapsed() = Us(1'000'000 * (i + 1));
    event.set_text(i % 2 == 0 ? "paused" : "resumed");
  }
  run.set_event_count(1'200);
  EXPECT_THAT(LoadPage(run, {}), HasSubstr("\nevents         1.00 s  paused\n"
                                           "               2.00 s  resumed\n"));
  EXPECT_THAT(LoadPage(run, {}), HasSubstr("\n               and 1,190 more, see -o json\n"));
}

TEST(LoadReportTest, List) {
  v1::ListLoadRunsResponse runs;
  EXPECT_EQ(LoadRunsTable(runs, {}), "no load runs yet\n");
  *runs.add_load_runs() = ARun();
  EXPECT_EQ(
      LoadRunsTable(runs, {}),
      "RUN    STATE   UTC       TIME s  TARGET          LOAD       OK  FAILED  OK /s  P99 ms\n"
      "run-1  failed  14:03:05    4.50  127.0.0.1:7000   100  123,456       2  27.4k    1.25\n");
  *runs.mutable_load_runs(0) = AnOpenRun();
  EXPECT_EQ(
      LoadRunsTable(runs, {}),
      "RUN    STATE      UTC       TIME s  TARGET           LOAD      OK  FAILED  OK /s  P99 ms\n"
      "run-1  succeeded  14:03:05    10.0  127.0.0.1:7000  500/s  49,800       0  4.98k    1.25\n");
}

v1::HoldRun AHold() {
  v1::HoldRun run;
  run.set_target("127.0.0.1:7000");
  run.set_framing(v1::FRAMING_LINE);
  run.set_connection_count(1'000'000);
  *run.mutable_duration() = Us(30'000'000);
  run.set_process_count(51);
  run.set_fd_limit(20'000);
  run.set_state(v1::LoadRun::STATE_RUNNING);
  run.set_opened_count(500'000);
  run.set_held_count(500'000);
  *run.mutable_open_time() = Us(8'000'000);
  run.set_opened_per_second(62'500);
  return run;
}

TEST(HoldReportTest, ProgressNamesThePhase) {
  v1::HoldRun run = AHold();
  EXPECT_EQ(HoldProgress(run), "opening: 500,000 of 1,000,000 in 8.00 s  0 failed");
  run.set_opened_count(1'000'000);
  run.set_held_count(999'999);
  run.set_failed_count(1);
  *run.mutable_hold_time() = Us(12'000'000);
  EXPECT_EQ(HoldProgress(run), "holding: 999,999, 12.0 s of 30.0 s  1 failed");
  run.set_finished_count(1'234);
  *run.mutable_finish_time() = Us(20'000);
  EXPECT_EQ(HoldProgress(run), "finishing: 1,234 of 999,999 in 20.0 ms  1 failed");
}

TEST(HoldReportTest, PageSaysWhatToDoAboutTheLost) {
  v1::HoldRun run = AHold();
  run.set_state(v1::LoadRun::STATE_FAILED);
  run.set_opened_count(1'000'000);
  run.set_held_count(999'990);
  run.set_lost_count(10);
  run.set_finished_count(999'990);
  run.set_failed_count(10);
  *run.mutable_open_time() = Us(16'000'000);
  *run.mutable_hold_time() = Us(30'000'000);
  *run.mutable_finish_time() = Us(10'000'000);
  run.set_finished_per_second(99'999);
  *run.mutable_cpu_time() = Us(50'000'000);
  v1::VerdictCount& failure = *run.add_failures();
  failure.set_verdict(v1::VERDICT_PEER_GONE_STEP_3);
  failure.set_count(10);
  EXPECT_EQ(HoldPage(run, {}),
            "hold           failed\n"
            "target         127.0.0.1:7000, framing line\n"
            "asked for      1,000,000 connections at once, held for 30.0 s\n"
            "processes      51, at most 20,000 open files each\n"
            "opened         1,000,000 in 16.0 s, 62.5k/s\n"
            "held           999,990 for 30.0 s\n"
            "finished       999,990 in 10.0 s, 100k/s\n"
            "failed         10\n"
            "client CPU     50.0 s, 50.0 us a connection\n"
            "lost           the server ended 10 while they were held. Unless it was stopped, its "
            "deadlines "
            "are\n"
            "               too short: for opening, holding and finishing, start it with "
            "--step-timeout 10m\n"
            "               --handshake-timeout 10m\n"
            "\n"
            "FAILED            COUNT  MEANING\n"
            "PEER_GONE_STEP_3     10  the peer closed before HELLO X+2 was complete\n");
}

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

TEST(ReportTest, NothingIsWiderThanAHundredColumnsWhateverItHolds) {
  const std::string long_text = std::string(128, 'w') + "\x1b[31m\n" + std::string(40, 'v');
  for (const std::string& text : {std::string(), long_text}) {
    for (int64_t number : {int64_t{0}, kHuge, kLowest, int64_t{-1}}) {
      const v1::Stats stats = Filled<v1::Stats>(number, text);
      StatsRows rows({});
      const v1::LoadRun run = Filled<v1::LoadRun>(number, text);
      const v1::ModeSwitch change = Filled<v1::ModeSwitch>(number, text);
      for (const std::string& rendered :
           {StatsPage(stats, {}), rows.Next(stats), LoadPage(run, {}), SwitchPage(change, {}),
            LoadRunsTable(Filled<v1::ListLoadRunsResponse>(number, text), {}),
            SwitchesTable(Filled<v1::ListModeSwitchesResponse>(number, text), {}),
            ModesTable(Filled<v1::ListModesResponse>(number, text), {}),
            ServerPage(Filled<v1::Server>(number, text), text, {}),
            HoldPage(Filled<v1::HoldRun>(number, text), {})}) {
        ExpectFits(rendered);
        EXPECT_THAT(rendered, Not(HasSubstr("\x1b")));
      }
      EXPECT_LE(LoadProgress(run).size(), kMaxWidth);
      EXPECT_LE(HoldProgress(Filled<v1::HoldRun>(number, text)).size(), kMaxWidth);
      Json(stats);  // says so if it cannot
    }
  }
}

TEST(HtmlReportTest, WhateverItsTextsHoldIsShownAsText) {
  const std::string evil = "<script>alert('1')</script>\"><img src=x>&\x1b[2J";
  for (const int64_t number : {int64_t{0}, int64_t{7}, kHuge, kLowest}) {
    v1::LoadRun run = Filled<v1::LoadRun>(number, evil);
    run.mutable_spec()->add_stages(evil);
    const std::string page = HtmlReport(run);
    EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;1&#39;)"));
    for (const char* refused : {"<script", "<img", "alert('", "\x1b", "nan", "inf;"}) {
      EXPECT_THAT(page, Not(HasSubstr(refused)));
    }
  }
}

TEST(HtmlReportTest, NeedsNoNetworkAndStandsWithoutASeries) {
  v1::LoadRun run;
  run.mutable_spec()->set_target("127.0.0.1:7000");
  run.mutable_spec()->set_rate_per_second(500);
  EXPECT_THAT(HtmlReport(run), AllOf(StartsWith("<!doctype html>"), HasSubstr("500/s poisson"),
                                     HasSubstr("Latency by phase"), Not(HasSubstr("http"))));
}

TEST(HtmlReportTest, ShowsTheSeriesItsEventsAndTheReasonsOfFailures) {
  v1::LoadRun run;
  for (int second = 0; second < 3; ++second) {
    v1::LoadPoint& point = *run.add_points();
    point.mutable_elapsed()->set_seconds(second);
    point.mutable_duration()->set_seconds(1);
    point.set_started_count(100);
    point.set_ok_count(90);
    point.set_failed_count(10);
    v1::VerdictCount& failure = *point.add_failures();
    failure.set_verdict(v1::VERDICT_TIMEOUT_STEP_2);
    failure.set_count(10);
    point.mutable_latency()->set_count(90);
    point.mutable_latency()->set_p50_us(1'000);
    point.mutable_latency()->set_p99_us(5'000);
    point.mutable_latency()->set_max_us(20'000);
  }
  v1::LoadRunEvent& event = *run.add_events();
  event.mutable_elapsed()->set_seconds(1);
  event.set_text("rate 100 -> 200");
  EXPECT_THAT(HtmlReport(run), AllOf(HasSubstr("1 s: median 1.00 ms, p99 5.00 ms, slowest 20.0 ms"),
                                     HasSubstr("<li>1 s: rate 100 -&gt; 200</li>"),
                                     HasSubstr("class=\"mark\" style=\"left:33.33%\""),
                                     HasSubstr("1 s: 10 failed\nTIMEOUT_STEP_2 10")));
}

TEST(JsonTest, HasALineForEachFieldAndEachEntry) {
  v1::LoadRun run;
  run.set_id("{\"[,:\\");
  run.add_breaches("a");
  run.add_breaches("b");
  run.add_points()->mutable_latency_histogram()->add_counts(-3);
  run.mutable_histograms();
  const std::string json = Json(run);
  EXPECT_THAT(json, StartsWith("{\n  \"id\": \"{\\\"[,:\\\\\",\n"));
  EXPECT_THAT(json, HasSubstr("\n  \"breaches\": [\n    \"a\",\n    \"b\"\n  ],\n"));
  EXPECT_THAT(json, HasSubstr("\"histograms\": {},\n"));
  EXPECT_THAT(json, HasSubstr("\n    {\"plannedCount\": \"0\", "));
  EXPECT_THAT(json, HasSubstr("\"counts\": [\"-3\"]}}\n  ],\n"));
  v1::LoadRun back;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &back).ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(back, run));
}

}  // namespace
}  // namespace handshake::report
