#include "control/services/load_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "control/report/histograms.h"
#include "control/services/convert.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/control/services/controlled_server.h"
#include "tests/support/fake_names.h"

namespace handshake::control {
namespace {

using namespace std::chrono_literals;
using google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;
using Stub = v1::LoadService::Stub;

constexpr std::chrono::milliseconds kShortLease{300};

class LoadServiceTest : public ::testing::Test {
 protected:
  // A run that would go on for a minute.
  v1::CreateLoadRunRequest LongRun() const {
    v1::CreateLoadRunRequest request;
    request.mutable_spec()->set_target(at_.data_address());
    request.mutable_spec()->mutable_duration()->set_seconds(60);
    return request;
  }
  v1::CreateLoadRunRequest ShortRun(int64_t handshakes) const {
    v1::CreateLoadRunRequest request;
    request.mutable_spec()->set_target(at_.data_address());
    request.mutable_spec()->set_handshake_count(handshakes);
    return request;
  }
  v1::LoadRun Create(const v1::CreateLoadRunRequest& request) {
    v1::LoadRun run;
    const grpc::Status status = Call(*at_.load, &Stub::CreateLoadRun, request, &run);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return run;
  }
  grpc::Status Refusal(const v1::CreateLoadRunRequest& request) {
    v1::LoadRun run;
    return Call(*at_.load, &Stub::CreateLoadRun, request, &run);
  }
  v1::LoadRun Get(const std::string& id, v1::LoadRunView view = v1::LOAD_RUN_VIEW_BASIC) {
    v1::GetLoadRunRequest request;
    request.set_id(id);
    request.set_view(view);
    v1::LoadRun run;
    const grpc::Status status = Call(*at_.load, &Stub::GetLoadRun, request, &run);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return run;
  }
  v1::LoadRun AwaitEnd(const std::string& id) {
    v1::LoadRun run;
    EXPECT_TRUE(Eventually([&] {
      run = Get(id);
      return run.state() != v1::LoadRun::STATE_RUNNING;
    }));
    return run;
  }
  v1::LoadRun Cancel(const std::string& id) {
    v1::CancelLoadRunRequest request;
    request.set_id(id);
    v1::LoadRun run;
    EXPECT_TRUE(Call(*at_.load, &Stub::CancelLoadRun, request, &run).ok());
    return run;
  }

  v1::LoadRun Update(const v1::UpdateLoadRunRequest& request) {
    v1::LoadRun run;
    const grpc::Status status = Call(*at_.load, &Stub::UpdateLoadRun, request, &run);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return run;
  }
  grpc::Status UpdateRefusal(const v1::UpdateLoadRunRequest& request) {
    v1::LoadRun run;
    return Call(*at_.load, &Stub::UpdateLoadRun, request, &run);
  }

  ControlledServer at_{kShortLease};
};

TEST_F(LoadServiceTest, ARunSucceedsAndItsWatchEndsWithIt) {
  const v1::LoadRun created = Create(ShortRun(200));
  EXPECT_EQ(created.id(), "run-1");
  EXPECT_EQ(created.spec().concurrency(), 1);
  EXPECT_EQ(created.spec().duration().seconds(), 24 * 3'600) << "the cap is the default";
  EXPECT_EQ(created.spec().framing(), v1::FRAMING_LINE);

  grpc::ClientContext context;
  SetTimeout(context, kTestDeadline);
  v1::WatchLoadRunRequest request;
  request.set_id(created.id());
  request.mutable_interval()->set_seconds(60);  // the end is told before
  const auto stream = at_.load->WatchLoadRun(&context, request);
  v1::LoadRun last;
  while (stream->Read(&last)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(last.state(), v1::LoadRun::STATE_SUCCEEDED);
  EXPECT_EQ(last.ok_count(), 200);
  EXPECT_EQ(last.started_count(), 200);
  EXPECT_EQ(last.failed_count(), 0);
  EXPECT_EQ(last.handshake().count(), 200);
  EXPECT_GT(last.ok_per_second(), 0);
}

TEST_F(LoadServiceTest, ARunAgainstNobodyFails) {
  v1::CreateLoadRunRequest request = ShortRun(5);
  request.set_detached(true);
  {
    const auto gone = ControlledServer::StartDataPlane();
    request.mutable_spec()->set_target(gone->addresses().front().ToString());
  }
  const v1::LoadRun run = AwaitEnd(Create(request).id());
  EXPECT_EQ(run.state(), v1::LoadRun::STATE_FAILED);
  ASSERT_EQ(run.failures_size(), 1);
  EXPECT_EQ(run.failures(0).verdict(), v1::VERDICT_CONNECT_REFUSED);
  EXPECT_EQ(run.failures(0).count(), 10);
  EXPECT_TRUE(run.given_up());
  EXPECT_EQ(run.state_reason(),
            "given up, no correct answer from " + run.spec().target() + " in 10 connects");
  EXPECT_EQ(run.left_out().started_count(), 0);
}

TEST_F(LoadServiceTest, ANameThatIsLookedUpForSecondsMakesNobodyElseWait) {
  std::optional<test::FakeNames> names(std::in_place);
  names->Hang("slow.test");
  const std::string id = Create(LongRun()).id();
  std::future<grpc::Status> slow = std::async(std::launch::async, [this] {
    v1::CreateLoadRunRequest request = ShortRun(1);
    request.mutable_spec()->set_target("slow.test:7000");
    return Refusal(request);
  });
  ASSERT_TRUE(Eventually([&] { return names->hanging() == 1; }));

  grpc::ClientContext context;
  SetTimeout(context, kTestDeadline);
  v1::WatchLoadRunRequest watch;
  watch.set_id(id);
  const auto stream = at_.load->WatchLoadRun(&context, watch);
  v1::LoadRun run;
  EXPECT_TRUE(stream->Read(&run));
  v1::UpdateLoadRunRequest change;
  change.set_id(id);
  change.set_concurrency(3);
  EXPECT_EQ(Update(change).concurrency(), 3);
  EXPECT_EQ(Cancel(id).state(), v1::LoadRun::STATE_CANCELLED);
  EXPECT_EQ(slow.wait_for(0s), std::future_status::timeout) << "they waited for it";

  names.reset();
  const grpc::Status refused = slow.get();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(), HasSubstr("spec.target: there is no host 'slow.test'"));
}

TEST_F(LoadServiceTest, AnOpenLoopRunsWithItsDefaults) {
  v1::CreateLoadRunRequest request = ShortRun(50);
  request.mutable_spec()->set_rate_per_second(500);
  request.mutable_spec()->set_seed(3);
  request.set_detached(true);
  const v1::LoadRun created = Create(request);
  EXPECT_EQ(created.spec().arrivals(), v1::LoadSpec::ARRIVALS_POISSON);
  EXPECT_EQ(created.spec().max_in_flight_count(), 500);
  EXPECT_EQ(created.spec().concurrency(), 0);
  const v1::LoadRun run = AwaitEnd(created.id());
  EXPECT_EQ(run.state(), v1::LoadRun::STATE_SUCCEEDED);
  EXPECT_EQ(run.ok_count(), 50);
  EXPECT_EQ(run.planned_count(), 50 + run.dropped_count());
  EXPECT_EQ(run.from_intended_start().count(), 50);
  EXPECT_EQ(run.send_lag().count(), 50);
  EXPECT_EQ(run.spec().seed(), 3);
}

TEST_F(LoadServiceTest, TheFullViewHasEveryLatencyAndOnlyItHas) {
  v1::CreateLoadRunRequest request = ShortRun(50);
  request.mutable_spec()->set_rate_per_second(500);
  request.set_detached(true);
  const std::string id = Create(request).id();
  const v1::LoadRun basic = AwaitEnd(id);
  EXPECT_FALSE(basic.has_histograms());
  EXPECT_TRUE(basic.points().empty());
  v1::LoadRun full = Get(id, v1::LOAD_RUN_VIEW_FULL);
  const v1::LoadHistograms& all = full.histograms();
  const auto expect_same = [](const v1::Histogram& histogram, const v1::Latency& latency) {
    const auto counted = report::FromProto(histogram);
    ASSERT_TRUE(counted.ok()) << counted.status();
    EXPECT_GT(counted->count(), 0);
    EXPECT_TRUE(MessageDifferencer::Equals(ToProto(*counted), latency));
  };
  expect_same(all.from_intended_start(), basic.from_intended_start());
  expect_same(all.handshake(), basic.handshake());
  expect_same(all.connect(), basic.connect());
  expect_same(all.reply(), basic.reply());
  expect_same(all.close(), basic.close());
  expect_same(all.send_lag(), basic.send_lag());
  ASSERT_EQ(full.points_size(), 1) << "the run is shorter than a second";
  const v1::LoadPoint& point = full.points(0);
  EXPECT_EQ(point.started_count(), 50);
  EXPECT_EQ(point.ok_count(), 50);
  EXPECT_EQ(point.planned_count(), basic.planned_count());
  EXPECT_EQ(point.in_flight_count(), 0);
  EXPECT_TRUE(MessageDifferencer::Equals(point.duration(), basic.elapsed()));
  expect_same(point.latency_histogram(), point.latency());
  full.clear_histograms();
  full.clear_points();
  EXPECT_TRUE(MessageDifferencer::Equals(full, basic));
}

TEST_F(LoadServiceTest, TwoFullViewsOfARunningRunDifferByWhatWasBetweenThem) {
  const std::string id = Create(LongRun()).id();
  grpc::ClientContext context;
  SetTimeout(context, kTestDeadline);
  v1::WatchLoadRunRequest request;
  request.set_id(id);
  request.mutable_interval()->set_nanos(100'000'000);
  request.set_view(v1::LOAD_RUN_VIEW_FULL);
  const auto stream = at_.load->WatchLoadRun(&context, request);
  v1::LoadRun run;
  std::optional<stats::Histogram> before;
  for (int growths = 0; growths < 2;) {
    ASSERT_TRUE(stream->Read(&run)) << "the watched view goes on";
    const auto now = report::FromProto(run.histograms().handshake());
    ASSERT_TRUE(now.ok()) << now.status();
    EXPECT_EQ(now->count(), run.handshake().count());
    EXPECT_FALSE(run.histograms().has_from_intended_start()) << "a closed loop";
    if (before) {
      EXPECT_EQ(now->Since(*before).count(), now->count() - before->count());
      growths += now->count() > before->count() ? 1 : 0;
    }
    before = *now;
  }
  EXPECT_GE(Get(id, v1::LOAD_RUN_VIEW_FULL).histograms().handshake().count(), before->count());
  context.TryCancel();
  EXPECT_EQ(Cancel(id).state(), v1::LoadRun::STATE_CANCELLED);
}

TEST_F(LoadServiceTest, AViewThatIsNoneIsRefused) {
  v1::GetLoadRunRequest request;
  request.set_id(Create(ShortRun(1)).id());
  request.set_view(static_cast<v1::LoadRunView>(99));
  v1::LoadRun run;
  const grpc::Status status = Call(*at_.load, &Stub::GetLoadRun, request, &run);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "view must be BASIC or FULL");
}

TEST_F(LoadServiceTest, StagesAndAWarmupSayHowLongTheRunIs) {
  v1::CreateLoadRunRequest request = ShortRun(1'000);
  request.mutable_spec()->add_stages("50ms:0..400");
  request.mutable_spec()->add_stages("50ms:400");
  request.mutable_spec()->set_arrivals(v1::LoadSpec::ARRIVALS_EVEN);
  request.mutable_spec()->mutable_warmup_time()->set_nanos(49'000'000);
  request.set_detached(true);
  const v1::LoadRun run = AwaitEnd(Create(request).id());
  EXPECT_EQ(run.state(), v1::LoadRun::STATE_SUCCEEDED);
  EXPECT_EQ(run.spec().duration().nanos(), 100'000'000);
  EXPECT_EQ(run.spec().stages_size(), 2);
  EXPECT_EQ(run.spec().max_in_flight_count(), 400);
  EXPECT_EQ(run.planned_count(), 20) << "10 more are warm-up";
  EXPECT_EQ(run.reply().count(), run.ok_count());
  EXPECT_EQ(run.close().count(), run.ok_count());
}

TEST_F(LoadServiceTest, ConditionsFailARunAndAreTold) {
  v1::CreateLoadRunRequest request = ShortRun(20);
  request.mutable_spec()->add_fail_if("max < 1h");
  request.mutable_spec()->add_stop_if("errors > 0");
  request.set_detached(true);
  const v1::LoadRun run = AwaitEnd(Create(request).id());
  EXPECT_EQ(run.state(), v1::LoadRun::STATE_FAILED);
  EXPECT_EQ(run.failed_count(), 0);
  ASSERT_EQ(run.breaches_size(), 1);
  EXPECT_THAT(run.breaches(0), HasSubstr("max < 1h: it is "));
  EXPECT_EQ(run.bottleneck(), v1::LoadRun::BOTTLENECK_UNCLEAR);
  EXPECT_EQ(run.spec().stop_if(0), "errors > 0");
}

TEST_F(LoadServiceTest, TheFullViewHasTheSamplesThatWereAskedFor) {
  v1::CreateLoadRunRequest request = ShortRun(100);
  request.mutable_spec()->set_sample_count(20);
  request.mutable_spec()->set_sequence_stride(10);
  request.set_detached(true);
  const std::string id = Create(request).id();
  EXPECT_FALSE(AwaitEnd(id).has_client_timelines());
  const v1::ClientTimelines samples = Get(id, v1::LOAD_RUN_VIEW_FULL).client_timelines();
  EXPECT_NE(samples.clock_id(), "");
  EXPECT_EQ(samples.timelines_size(), 10);
  for (const v1::ClientTimeline& timeline : samples.timelines()) {
    EXPECT_EQ(timeline.sequence() % 10, 0);
    EXPECT_LE(samples.run_start_ns(), timeline.begin_ns());
    EXPECT_LE(timeline.started_ns(), timeline.connected_ns());
    EXPECT_LE(timeline.reply_read_ns(), timeline.ended_ns());
  }
  request.mutable_spec()->set_sample_count(1'001);
  EXPECT_THAT(Refusal(request).error_message(), HasSubstr("spec.sample_count is 1001"));
}

TEST_F(LoadServiceTest, TheCapOnTheRateIsOverAllRuns) {
  v1::CreateLoadRunRequest request = LongRun();
  request.mutable_spec()->set_rate_per_second(3'000);
  request.mutable_spec()->set_max_in_flight_count(1);
  const v1::LoadRun first = Create(request);
  const grpc::Status refused = Refusal(request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(
      refused.error_message(),
      HasSubstr("rate_per_second is 3000 and other runs have 3000: the cap over all runs is "
                "5000"));
  Cancel(first.id());
  EXPECT_EQ(Cancel(Create(request).id()).state(), v1::LoadRun::STATE_CANCELLED);
}

TEST_F(LoadServiceTest, OnlyLoopbackIsATarget) {
  for (const char* target : {"192.0.2.1:7000", "0.0.0.0:7000", "[::]:7000", "[2001:db8::1]:7000",
                             "[::ffff:127.0.0.1]:7000", "255.255.255.255:7000"}) {
    v1::CreateLoadRunRequest request = ShortRun(1);
    request.mutable_spec()->set_target(target);
    EXPECT_EQ(Refusal(request).error_code(), grpc::StatusCode::PERMISSION_DENIED) << target;
  }
  v1::ListLoadRunsResponse listed;
  ASSERT_TRUE(Call(*at_.load, &Stub::ListLoadRuns, {}, &listed).ok());
  EXPECT_EQ(listed.load_runs_size(), 0) << "a refused run was begun";
}

TEST_F(LoadServiceTest, RefusalsNameTheField) {
  struct Case {
    grpc::StatusCode code;
    std::string field;
    std::function<void(v1::CreateLoadRunRequest&)> spoil;
  };
  const auto invalid = grpc::StatusCode::INVALID_ARGUMENT;
  const auto exhausted = grpc::StatusCode::RESOURCE_EXHAUSTED;
  const std::vector<Case> cases = {
      {invalid, "spec", [](auto& r) { r.clear_spec(); }},
      {invalid, "spec.target", [](auto& r) { r.mutable_spec()->clear_target(); }},
      {invalid, "spec.sequence_stride", [](auto& r) { r.mutable_spec()->set_sample_count(5); }},
      {invalid, "spec.sequence_stride", [](auto& r) { r.mutable_spec()->set_sequence_stride(5); }},
      {invalid, "spec.target", [](auto& r) { r.mutable_spec()->set_target("127.1:7000"); }},
      {invalid, "spec.target", [](auto& r) { r.mutable_spec()->set_target("127.0.0.1:0"); }},
      {invalid, "spec.duration", [](auto& r) { r.mutable_spec()->clear_handshake_count(); }},
      {invalid, "spec.duration",
       [](auto& r) { r.mutable_spec()->mutable_duration()->set_seconds(-1); }},
      {invalid, "spec.concurrency", [](auto& r) { r.mutable_spec()->set_concurrency(-1); }},
      {invalid, "spec.handshake_count", [](auto& r) { r.mutable_spec()->set_handshake_count(-1); }},
      {invalid, "spec.framing", [](auto& r) { r.mutable_spec()->set_framing(v1::FRAMING_AUTO); }},
      {invalid, "request_id", [](auto& r) { r.set_request_id(std::string(129, 'x')); }},
      {invalid, "spec.rate_per_second", [](auto& r) { r.mutable_spec()->set_rate_per_second(-1); }},
      {invalid, "spec.rate_per_second",
       [](auto& r) { r.mutable_spec()->set_rate_per_second(NAN); }},
      {invalid, "spec.concurrency",
       [](auto& r) {
         r.mutable_spec()->set_rate_per_second(1);
         r.mutable_spec()->set_concurrency(1);
       }},
      {invalid, "spec.think_time",
       [](auto& r) {
         r.mutable_spec()->set_rate_per_second(1);
         r.mutable_spec()->mutable_think_time();
       }},
      {invalid, "spec.think_time",
       [](auto& r) { r.mutable_spec()->mutable_think_time()->set_seconds(3'601); }},
      {invalid, "spec.rate_per_second", [](auto& r) { r.mutable_spec()->set_seed(1); }},
      {invalid, "spec.warmup_time",
       [](auto& r) { r.mutable_spec()->mutable_warmup_time()->set_seconds(24 * 3'600); }},
      {invalid, "spec.stages[1]: stage '1s:x', column 4",
       [](auto& r) {
         r.mutable_spec()->add_stages("1s:1");
         r.mutable_spec()->add_stages("1s:x");
       }},
      {invalid, "spec.fail_if[0]: condition 'p98 > 1ms', column 1",
       [](auto& r) { r.mutable_spec()->add_fail_if("p98 > 1ms"); }},
      {invalid, "spec.stop_if[0]: condition 'p99 > 1', column 7",
       [](auto& r) { r.mutable_spec()->add_stop_if("p99 > 1"); }},
      {exhausted, "spec.stop_if has 17: the cap is 16",
       [](auto& r) {
         for (int i = 0; i < 17; ++i) r.mutable_spec()->add_stop_if("errors > 0");
       }},
      {invalid, "rate above 0", [](auto& r) { r.mutable_spec()->add_stages("1s:0"); }},
      {invalid, "not both",
       [](auto& r) {
         r.mutable_spec()->add_stages("1s:1");
         r.mutable_spec()->set_rate_per_second(1);
       }},
      {invalid, "leave spec.duration out",
       [](auto& r) {
         r.mutable_spec()->add_stages("1s:1");
         r.mutable_spec()->mutable_duration()->set_seconds(2);
       }},
      {exhausted, "spec.stages[0] reaches 5001 a second: the cap is 5000",
       [](auto& r) { r.mutable_spec()->add_stages("1s:1..5001"); }},
      {exhausted, "spec.stages last 48h: the cap is 24h",
       [](auto& r) {
         r.mutable_spec()->add_stages("24h:1");
         r.mutable_spec()->add_stages("24h:1");
       }},
      {exhausted, "spec.stages last 61s: the cap is 1m",
       [](auto& r) {
         r.set_detached(true);
         r.mutable_spec()->add_stages("31s:1");
         r.mutable_spec()->add_stages("30s:1");
       }},
      {exhausted, "the cap is 100",
       [](auto& r) {
         for (int i = 0; i < 101; ++i) r.mutable_spec()->add_stages("1ms:1");
       }},
      {exhausted, "the cap is 5000",
       [](auto& r) { r.mutable_spec()->set_rate_per_second(5'000.5); }},
      {exhausted, "the cap is 2000",
       [](auto& r) {
         r.mutable_spec()->set_rate_per_second(1);
         r.mutable_spec()->set_max_in_flight_count(2'001);
       }},
      {exhausted, "2000", [](auto& r) { r.mutable_spec()->set_concurrency(2'001); }},
      {exhausted, "cap is 1m",
       [](auto& r) {
         r.set_detached(true);
         r.mutable_spec()->mutable_duration()->set_seconds(61);
       }},
      {exhausted, "cap is 24h",
       [](auto& r) { r.mutable_spec()->mutable_duration()->set_seconds(24 * 3'600 + 1); }},
      {exhausted, "1000000000",
       [](auto& r) { r.mutable_spec()->set_handshake_count(1'000'000'001); }},
  };
  for (const Case& c : cases) {
    v1::CreateLoadRunRequest request = ShortRun(1);
    c.spoil(request);
    const grpc::Status status = Refusal(request);
    EXPECT_EQ(status.error_code(), c.code) << c.field << ": " << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(c.field));
  }
}

TEST_F(LoadServiceTest, ConnectionsAreCappedOverAllRuns) {
  v1::CreateLoadRunRequest request = LongRun();
  request.set_detached(true);
  request.mutable_spec()->set_concurrency(3);
  const std::string first = Create(request).id();
  request.mutable_spec()->set_concurrency(kMaxLoadConnections - 2);
  const grpc::Status status = Refusal(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("over all runs is 2000"));
  EXPECT_EQ(Cancel(first).state(), v1::LoadRun::STATE_CANCELLED);
}

TEST_F(LoadServiceTest, ARunIsChangedPausedAndResumed) {
  v1::CreateLoadRunRequest create = LongRun();
  create.set_detached(true);
  create.set_request_id("changed");
  create.mutable_spec()->set_rate_per_second(100);
  const std::string id = Create(create).id();
  v1::UpdateLoadRunRequest update;
  update.set_id(id);
  update.set_rate_per_second(200);
  update.set_paused(true);
  v1::LoadRun run = Update(update);
  EXPECT_EQ(run.rate_per_second(), 200);
  EXPECT_TRUE(run.paused());
  EXPECT_EQ(run.spec().rate_per_second(), 100) << "as it was asked for";
  EXPECT_EQ(Create(create).id(), id) << "a repeated request is still the same";
  update.clear_rate_per_second();
  update.set_paused(false);
  run = Update(update);
  EXPECT_FALSE(run.paused());
  ASSERT_EQ(run.events_size(), 3);
  EXPECT_EQ(run.events(0).text(), "rate 100 -> 200");
  EXPECT_EQ(run.events(1).text(), "paused");
  EXPECT_EQ(run.events(2).text(), "resumed");
  EXPECT_EQ(run.event_count(), 3);
  Cancel(id);
  EXPECT_EQ(UpdateRefusal(update).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(LoadServiceTest, TheCapsHoldForChangesToo) {
  v1::CreateLoadRunRequest create = LongRun();
  create.set_detached(true);
  create.mutable_spec()->set_concurrency(2);
  const std::string first = Create(create).id();
  const std::string second = Create(create).id();
  v1::UpdateLoadRunRequest update;
  update.set_id(first);
  update.set_concurrency(1'999);
  EXPECT_THAT(UpdateRefusal(update).error_message(),
              HasSubstr("concurrency is 1999 and other runs have 2 connections"));
  update.set_concurrency(3);
  EXPECT_EQ(Update(update).concurrency(), 3);
  // The change counts for the others.
  update.set_id(second);
  update.set_concurrency(1'998);
  EXPECT_EQ(UpdateRefusal(update).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  create.mutable_spec()->set_concurrency(1'996);
  EXPECT_THAT(Refusal(create).error_message(), HasSubstr("other runs have 5 connections"));
  update.set_rate_per_second(1);
  update.set_concurrency(1);
  EXPECT_EQ(UpdateRefusal(update).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Get(second).concurrency(), 2);
  Cancel(first);
  Cancel(second);
}

TEST_F(LoadServiceTest, ARunThatNobodyWatchesIsCancelled) {
  const v1::LoadRun run = AwaitEnd(Create(LongRun()).id());
  EXPECT_EQ(run.state(), v1::LoadRun::STATE_CANCELLED);
  EXPECT_THAT(run.state_reason(), HasSubstr("nobody watched it for 300ms"));
  EXPECT_LT(run.elapsed().seconds(), 20);
}

TEST_F(LoadServiceTest, AWatcherHoldsTheLeaseAndItsEndStartsIt) {
  const std::string id = Create(LongRun()).id();
  {
    grpc::ClientContext context;
    SetTimeout(context, kTestDeadline);
    v1::WatchLoadRunRequest request;
    request.set_id(id);
    request.mutable_interval()->set_nanos(100'000'000);
    const auto stream = at_.load->WatchLoadRun(&context, request);
    v1::LoadRun run;
    do {
      ASSERT_TRUE(stream->Read(&run));
      ASSERT_EQ(run.state(), v1::LoadRun::STATE_RUNNING);
    } while (run.elapsed().seconds() < 1);  // several leases
    context.TryCancel();
    stream->Finish();
  }
  EXPECT_EQ(AwaitEnd(id).state(), v1::LoadRun::STATE_CANCELLED);
}

TEST_F(LoadServiceTest, ADetachedRunGoesOnUntilItIsCancelled) {
  v1::CreateLoadRunRequest request = LongRun();
  request.set_detached(true);
  const std::string id = Create(request).id();
  v1::LoadRun run;
  ASSERT_TRUE(Eventually([&] {
    run = Get(id);
    return run.elapsed().seconds() >= 1 || run.state() != v1::LoadRun::STATE_RUNNING;
  }));
  EXPECT_EQ(run.state(), v1::LoadRun::STATE_RUNNING) << "the lease does not apply";
  run = Cancel(id);
  EXPECT_EQ(run.state(), v1::LoadRun::STATE_CANCELLED);
  EXPECT_EQ(run.state_reason(), "cancelled by an operator");
  EXPECT_GT(run.ok_count(), 0) << "what it measured is kept";
  EXPECT_EQ(Cancel(id).state_reason(), run.state_reason()) << "an ended run stays as it is";
}

TEST_F(LoadServiceTest, ARepeatedRequestIdGetsTheFirstRun) {
  v1::CreateLoadRunRequest request = ShortRun(3);
  request.set_request_id("once");
  const std::string id = Create(request).id();
  EXPECT_EQ(Create(request).id(), id);
  AwaitEnd(id);
  EXPECT_EQ(Create(request).id(), id) << "also when it has ended";
  request.mutable_spec()->set_handshake_count(4);
  v1::LoadRun run;
  EXPECT_EQ(Call(*at_.load, &Stub::CreateLoadRun, request, &run).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT)
      << "another run under the same id";
}

TEST_F(LoadServiceTest, FinishedRunsAreForgottenInTheEnd) {
  std::string id;
  for (size_t i = 0; i < kMaxFinishedLoadRuns + 1; ++i) {
    v1::LoadRun run;
    ASSERT_TRUE(Eventually([&] {  // on a busy machine too many may go on yet
      return Call(*at_.load, &Stub::CreateLoadRun, ShortRun(1), &run).ok();
    }));
    id = run.id();
  }
  AwaitEnd(id);
  v1::GetLoadRunRequest request;
  request.set_id("run-1");
  v1::LoadRun run;
  EXPECT_TRUE(Eventually([&] {
    return Call(*at_.load, &Stub::GetLoadRun, request, &run).error_code() ==
           grpc::StatusCode::NOT_FOUND;
  }));
  v1::ListLoadRunsRequest list;
  list.set_page_size(2);
  v1::ListLoadRunsResponse listed;
  ASSERT_TRUE(Call(*at_.load, &Stub::ListLoadRuns, list, &listed).ok());
  ASSERT_EQ(listed.load_runs_size(), 2);
  EXPECT_EQ(listed.load_runs(0).id(), id) << "newest first";
}

TEST_F(LoadServiceTest, UnknownRunsAreNotFound) {
  v1::CancelLoadRunRequest cancel;
  v1::LoadRun run;
  EXPECT_EQ(Call(*at_.load, &Stub::CancelLoadRun, cancel, &run).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  cancel.set_id("run-9");
  EXPECT_EQ(Call(*at_.load, &Stub::CancelLoadRun, cancel, &run).error_code(),
            grpc::StatusCode::NOT_FOUND);
  v1::UpdateLoadRunRequest update;
  update.set_paused(true);
  EXPECT_EQ(UpdateRefusal(update).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  update.set_id("run-9");
  EXPECT_EQ(UpdateRefusal(update).error_code(), grpc::StatusCode::NOT_FOUND);
  update.clear_paused();
  EXPECT_EQ(UpdateRefusal(update).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  grpc::ClientContext context;
  SetTimeout(context, kTestDeadline);
  v1::WatchLoadRunRequest watch;
  watch.set_id("run-9");
  const auto stream = at_.load->WatchLoadRun(&context, watch);
  EXPECT_FALSE(stream->Read(&run));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(LoadServiceTest, StoppingCancelsTheRunsAndTellsTheirWatchers) {
  v1::CreateLoadRunRequest create = LongRun();
  create.set_detached(true);
  v1::WatchLoadRunRequest request;
  request.set_id(Create(create).id());
  grpc::ClientContext context;
  SetTimeout(context, kTestDeadline);
  const auto stream = at_.load->WatchLoadRun(&context, request);
  v1::LoadRun run;
  ASSERT_TRUE(stream->Read(&run));
  at_.load_service.Stop();
  while (stream->Read(&run)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(run.state(), v1::LoadRun::STATE_CANCELLED);
  EXPECT_EQ(run.state_reason(), "the process stopped");
  EXPECT_EQ(Refusal(ShortRun(1)).error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace handshake::control
