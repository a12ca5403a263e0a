#include "control/services/server_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/text/version.h"
#include "tests/control/services/controlled_server.h"

namespace handshake::control {
namespace {

using ::testing::HasSubstr;
using Stub = v1::ServerService::Stub;

class ServerServiceTest : public ::testing::Test {
 protected:
  v1::Server GetServer() {
    v1::Server response;
    const grpc::Status status = Call(*at_.server, &Stub::GetServer, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  grpc::Status Switch(const v1::SwitchModeRequest& request, v1::ModeSwitch* response) {
    return Call(*at_.server, &Stub::SwitchMode, request, response);
  }
  v1::ModeSwitch SwitchOk(v1::Mode mode) {
    v1::SwitchModeRequest request;
    request.set_mode(mode);
    v1::ModeSwitch response;
    const grpc::Status status = Switch(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // The refusal of a request that is right but for what `spoil` does to it.
  template <class Spoil>
  grpc::Status Refusal(Spoil spoil) {
    v1::SwitchModeRequest request;
    request.set_mode(v1::MODE_SEQUENTIAL);
    spoil(request);
    v1::ModeSwitch response;
    return Switch(request, &response);
  }

  ControlledServer at_;
};

TEST_F(ServerServiceTest, GetServerTellsWhatItIs) {
  const v1::Server server = GetServer();
  EXPECT_EQ(server.version(), text::Version());
  ASSERT_EQ(server.listen_addresses_size(), 1);
  EXPECT_EQ(server.listen_addresses(0), at_.data_address());
  EXPECT_EQ(server.framing(), v1::FRAMING_AUTO);
  EXPECT_EQ(server.mode(), v1::MODE_EPOLL);
  EXPECT_EQ(server.generation(), 1);
  EXPECT_EQ(server.process_id(), getpid());
  EXPECT_GE(server.cpu_count(), 1);
  EXPECT_GT(server.start_time().seconds(), 1'000'000'000);
}

TEST_F(ServerServiceTest, ListModesHasAllInOrderAndOneActive) {
  v1::ListModesResponse response;
  ASSERT_TRUE(Call(*at_.server, &Stub::ListModes, {}, &response).ok());
  ASSERT_EQ(response.modes_size(), server::kModeCount);
  for (int i = 0; i < response.modes_size(); ++i) {
    const v1::ModeInfo& info = response.modes(i);
    EXPECT_EQ(info.mode(), static_cast<v1::Mode>(i + 1));
    EXPECT_EQ(info.name(), server::kModeNames[i]);
    EXPECT_FALSE(info.description().empty());
    EXPECT_TRUE(info.available());
    EXPECT_GE(info.max_concurrent(), 1);
    EXPECT_EQ(info.active(), info.mode() == v1::MODE_EPOLL);
  }
}

TEST_F(ServerServiceTest, SwitchesThroughAllModesAndKeepsTheHistory) {
  const std::array modes = {v1::MODE_SEQUENTIAL,  v1::MODE_THREAD_PER_CONNECTION,
                            v1::MODE_THREAD_POOL, v1::MODE_COROUTINE,
                            v1::MODE_IO_URING,    v1::MODE_EPOLL};
  for (size_t i = 0; i < modes.size(); ++i) {
    const v1::ModeSwitch made = SwitchOk(modes[i]);
    EXPECT_EQ(made.id(), static_cast<int64_t>(i) + 1);
    EXPECT_EQ(made.to(), modes[i]);
    EXPECT_EQ(made.generation(), static_cast<int64_t>(i) + 2);
    EXPECT_THAT(made.requested_by(), HasSubstr("127.0.0.1:"));
    EXPECT_EQ(GetServer().mode(), modes[i]);
  }
  v1::GetModeSwitchRequest get;
  get.set_id(1);
  v1::ModeSwitch first;
  EXPECT_TRUE(Eventually([&] {
    return Call(*at_.server, &Stub::GetModeSwitch, get, &first).ok() &&
           first.state() == v1::ModeSwitch::STATE_COMPLETED;
  }));
  EXPECT_EQ(first.from(), v1::MODE_EPOLL);
  EXPECT_EQ(first.lost_count(), 0);

  v1::ListModeSwitchesRequest list;
  list.set_page_size(2);
  v1::ListModeSwitchesResponse listed;
  ASSERT_TRUE(Call(*at_.server, &Stub::ListModeSwitches, list, &listed).ok());
  ASSERT_EQ(listed.mode_switches_size(), 2);
  EXPECT_EQ(listed.mode_switches(0).id(), 6);
  EXPECT_EQ(listed.mode_switches(1).id(), 5);
}

TEST_F(ServerServiceTest, WorkersOfAnEventModeAreSwitchedToo) {
  if (GetServer().cpu_count() < 2) GTEST_SKIP() << "one CPU only";
  EXPECT_EQ(GetServer().worker_count(), 1);
  v1::SwitchModeRequest request;
  request.set_mode(v1::MODE_EPOLL);
  request.set_worker_count(2);
  v1::ModeSwitch made;
  ASSERT_TRUE(Call(*at_.server, &Stub::SwitchMode, request, &made).ok());
  EXPECT_EQ(made.worker_count(), 2);
  EXPECT_EQ(made.from(), v1::MODE_EPOLL);
  EXPECT_EQ(made.to(), v1::MODE_EPOLL);
  EXPECT_EQ(GetServer().worker_count(), 2);
  EXPECT_EQ(GetServer().generation(), 2);
  EXPECT_EQ(SwitchOk(v1::MODE_SEQUENTIAL).worker_count(), 0);
  EXPECT_EQ(GetServer().worker_count(), 0);
}

TEST_F(ServerServiceTest, SwitchRefusalsNameTheField) {
  grpc::Status status = Refusal([](auto& r) { r.set_mode(v1::MODE_UNSPECIFIED); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("mode"));
  status = Refusal([](auto& r) { r.set_mode(static_cast<v1::Mode>(99)); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  status = Refusal([](auto& r) { r.set_expected_generation(-1); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("expected_generation"));
  for (const int64_t seconds : {int64_t{-1}, int64_t{61}, INT64_MAX, INT64_MIN}) {
    status = Refusal([seconds](auto& r) { r.mutable_drain_timeout()->set_seconds(seconds); });
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << seconds;
    EXPECT_THAT(status.error_message(), HasSubstr("drain_timeout"));
  }
  status = Refusal([](auto& r) { r.set_request_id(std::string(129, 'x')); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("request_id"));
  status = Refusal([](auto& r) { r.set_worker_count(-1); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("workers"));
  EXPECT_EQ(GetServer().generation(), 1) << "a refused switch changed something";
}

TEST_F(ServerServiceTest, AnotherGenerationIsAborted) {
  const grpc::Status status = Refusal([](auto& r) { r.set_expected_generation(7); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(GetServer().generation(), 1);
}

TEST_F(ServerServiceTest, ARequestIdIsHonouredOnce) {
  v1::SwitchModeRequest request;
  request.set_mode(v1::MODE_SEQUENTIAL);
  request.set_request_id("retry-1");
  v1::ModeSwitch first;
  v1::ModeSwitch again;
  ASSERT_TRUE(Switch(request, &first).ok());
  ASSERT_TRUE(Switch(request, &again).ok());
  EXPECT_EQ(first.id(), again.id());
  EXPECT_EQ(GetServer().generation(), 2);
  request.set_mode(v1::MODE_THREAD_POOL);
  EXPECT_EQ(Switch(request, &again).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerServiceTest, DryRunAndTheModeInForceChangeNothing) {
  v1::SwitchModeRequest request;
  request.set_mode(v1::MODE_THREAD_POOL);
  request.set_dry_run(true);
  v1::ModeSwitch answer;
  ASSERT_TRUE(Switch(request, &answer).ok());
  EXPECT_EQ(answer.state(), v1::ModeSwitch::STATE_DRY_RUN);
  EXPECT_EQ(answer.id(), 0);
  EXPECT_EQ(SwitchOk(v1::MODE_EPOLL).state(), v1::ModeSwitch::STATE_UNCHANGED);
  EXPECT_EQ(GetServer().generation(), 1);
  v1::ListModeSwitchesResponse listed;
  ASSERT_TRUE(Call(*at_.server, &Stub::ListModeSwitches, {}, &listed).ok());
  EXPECT_EQ(listed.mode_switches_size(), 0);
}

TEST_F(ServerServiceTest, OfConcurrentCallersOneWins) {
  constexpr int kCallers = 8;
  std::vector<grpc::Status> statuses(kCallers);
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([this, i, &statuses] {
      const auto stub = v1::ServerService::NewStub(at_.NewChannel());
      v1::SwitchModeRequest request;
      request.set_mode(i % 2 == 0 ? v1::MODE_SEQUENTIAL : v1::MODE_THREAD_POOL);
      request.set_expected_generation(1);
      v1::ModeSwitch response;
      statuses[i] = Call(*stub, &Stub::SwitchMode, request, &response);
    });
  }
  for (std::thread& caller : callers) caller.join();
  int won = 0;
  for (const grpc::Status& status : statuses) {
    if (status.ok()) {
      ++won;
    } else {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED) << status.error_message();
    }
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(GetServer().generation(), 2);
}

TEST_F(ServerServiceTest, UnknownSwitchesAndWrongPages) {
  v1::GetModeSwitchRequest get;
  v1::ModeSwitch one;
  EXPECT_EQ(Call(*at_.server, &Stub::GetModeSwitch, get, &one).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  get.set_id(1);
  EXPECT_EQ(Call(*at_.server, &Stub::GetModeSwitch, get, &one).error_code(),
            grpc::StatusCode::NOT_FOUND);
  v1::ListModeSwitchesRequest list;
  v1::ListModeSwitchesResponse listed;
  for (const int size : {-1, 1001}) {
    list.set_page_size(size);
    const grpc::Status status = Call(*at_.server, &Stub::ListModeSwitches, list, &listed);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("page_size"));
  }
}

TEST_F(ServerServiceTest, StatsHaveTheModeInForceAndTheProcess) {
  v1::Stats stats;
  ASSERT_TRUE(Call(*at_.server, &Stub::GetStats, {}, &stats).ok());
  EXPECT_GE(stats.sequence(), 1);
  ASSERT_EQ(stats.modes_size(), 1);
  EXPECT_EQ(stats.modes(0).mode(), v1::MODE_EPOLL);
  EXPECT_GT(stats.process().thread_count(), 1);
  EXPECT_GT(stats.process().resident_bytes(), 0);
  ASSERT_EQ(stats.listeners_size(), 1);
  EXPECT_EQ(stats.listeners(0).address(), at_.data_address());
  EXPECT_EQ(stats.listeners(0).framing(), v1::FRAMING_AUTO);
}

TEST_F(ServerServiceTest, TimelinesAreRecordedOnceAtATime) {
  v1::RecordTimelinesRequest request;
  v1::RecordTimelinesResponse recording;
  const auto record = [&] {
    return Call(*at_.server, &Stub::RecordTimelines, request, &recording);
  };
  EXPECT_THAT(record().error_message(), HasSubstr("duration"));
  request.mutable_duration()->set_seconds(61);
  EXPECT_THAT(record().error_message(), HasSubstr("duration"));
  request.mutable_duration()->set_seconds(60);
  EXPECT_THAT(record().error_message(), HasSubstr("sequence_stride"));
  request.set_sequence_stride(1);
  EXPECT_THAT(record().error_message(), HasSubstr("sample_count must be from 1 to 10000"));
  request.set_sample_count(10'001);
  EXPECT_THAT(record().error_message(), HasSubstr("sample_count"));
  request.set_sample_count(10);
  ASSERT_TRUE(record().ok());
  EXPECT_EQ(recording.recording_id(), 1);
  EXPECT_NE(recording.clock_id(), "");
  EXPECT_EQ(record().error_code(), grpc::StatusCode::ABORTED);
  request.set_recording_id(1);
  EXPECT_TRUE(record().ok()) << "it is extended";
  request.set_recording_id(2);
  EXPECT_EQ(record().error_code(), grpc::StatusCode::NOT_FOUND);
  request.set_recording_id(0);

  v1::CollectTimelinesRequest collect;
  v1::CollectTimelinesResponse collected;
  const auto collection = [&] {
    return Call(*at_.server, &Stub::CollectTimelines, collect, &collected);
  };
  EXPECT_EQ(collection().error_code(), grpc::StatusCode::NOT_FOUND);
  collect.set_recording_id(1);
  EXPECT_TRUE(collection().ok());
  EXPECT_TRUE(record().ok());
  EXPECT_EQ(collection().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServerServiceTest, AnOversizeRequestIsRefused) {
  const grpc::Status status =
      Refusal([](auto& r) { r.set_request_id(std::string(kMaxRequestBytes + 1, 'x')); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ServerServiceTest, WatchStatsRisesUntilItIsCancelled) {
  grpc::ClientContext context;
  SetTimeout(context, kTestDeadline);
  v1::WatchStatsRequest request;
  request.mutable_interval()->set_nanos(100'000'000);
  const auto stream = at_.server->WatchStats(&context, request);
  int64_t last = 0;
  for (int i = 0; i < 3; ++i) {
    v1::Stats stats;
    ASSERT_TRUE(stream->Read(&stats));
    EXPECT_GE(stats.sequence(), last);
    last = stats.sequence();
  }
  EXPECT_GT(last, 1);
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(ServerServiceTest, WatchIntervalsHaveBounds) {
  for (const int64_t milliseconds : {0, 99, 60'001}) {
    grpc::ClientContext context;
    SetTimeout(context, kTestDeadline);
    v1::WatchStatsRequest request;
    request.mutable_interval()->set_seconds(milliseconds / 1000);
    request.mutable_interval()->set_nanos(static_cast<int32_t>(milliseconds % 1000) * 1'000'000);
    const auto stream = at_.server->WatchStats(&context, request);
    v1::Stats stats;
    EXPECT_FALSE(stream->Read(&stats));
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << milliseconds;
    EXPECT_THAT(status.error_message(), HasSubstr("interval"));
  }
}

// A stream that was opened and has had its first message.
struct OpenWatch {
  OpenWatch(ControlledServer& at, const std::shared_ptr<grpc::Channel>& channel)
      : stub(v1::ServerService::NewStub(channel)) {
    SetTimeout(context, kTestDeadline);
    stream = stub->WatchStats(&context, {});
    v1::Stats stats;
    open = at.host != nullptr && stream->Read(&stats);
  }
  ~OpenWatch() {
    context.TryCancel();
    Finish();
  }
  grpc::Status Finish() {
    if (!ended) ended = stream->Finish();
    return *ended;
  }
  std::unique_ptr<Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::Stats>> stream;
  std::optional<grpc::Status> ended;
  bool open = false;
};

TEST_F(ServerServiceTest, StreamsAreCappedAndAClosedOneMakesRoom) {
  std::vector<std::unique_ptr<OpenWatch>> watches;
  std::shared_ptr<grpc::Channel> channel;
  for (int i = 0; i < kMaxWatchStreams; ++i) {
    if (i % kMaxStreamsPerConnection == 0) channel = at_.NewChannel();
    watches.push_back(std::make_unique<OpenWatch>(at_, channel));
    ASSERT_TRUE(watches.back()->open) << i;
  }
  channel = at_.NewChannel();
  {
    OpenWatch above(at_, channel);
    EXPECT_FALSE(above.open);
    EXPECT_EQ(above.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  watches.pop_back();
  EXPECT_TRUE(Eventually([&] { return OpenWatch(at_, channel).open; }));
}

TEST_F(ServerServiceTest, StoppingEndsStreamsAndRefusesChanges) {
  OpenWatch watch(at_, at_.NewChannel());
  ASSERT_TRUE(watch.open);
  at_.data_plane->Stop(std::chrono::seconds(1));
  at_.server_service.Stop();
  v1::Stats stats;
  while (watch.stream->Read(&stats)) {
  }
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Refusal([](auto&) {}).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Call(*at_.server, &Stub::GetStats, {}, &stats).ok()) << "reading goes on";
}

}  // namespace
}  // namespace handshake::control
