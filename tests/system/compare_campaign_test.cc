// What handshakectl compare finds, live: of a mode and itself nothing, of a planted slowdown of 5 %
// that. HANDSHAKE_CAMPAIGN: 20 comparisons of each kind, 15 minutes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "grpcpp/grpcpp.h"
#include "handshake/v1/compare_report.pb.h"
#include "handshake/v1/server_service.grpc.pb.h"
#include "tests/control/ctl/process.h"

namespace handshake::testing {
namespace {

constexpr auto kBusy = v1::MODE_COROUTINE;  // the face with the slowdown

// A number in a file that another process has mapped too.
class SharedNumber {
 public:
  SharedNumber() {
    const int fd = mkstemp(path_.data());
    EXPECT_EQ(ftruncate(fd, sizeof(int64_t)), 0);
    void* page = mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    EXPECT_NE(page, MAP_FAILED);
    close(fd);
    number_ = static_cast<std::atomic<int64_t>*>(page);
  }
  ~SharedNumber() {
    munmap(number_, sizeof(int64_t));
    unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void Set(int64_t number) { number_->store(number); }

 private:
  std::string path_ = "/tmp/handshake-planted-XXXXXX";
  std::atomic<int64_t>* number_ = nullptr;
};

// The control of a server that only ever runs epoll, as of one that has two modes: "coroutine" is
// epoll with the planted slowdown.
class TwoFaces : public v1::ServerService::Service {
 public:
  TwoFaces(const std::string& real, SharedNumber& planted)
      : real_(v1::ServerService::NewStub(
            grpc::CreateChannel(real, grpc::InsecureChannelCredentials()))),
        planted_(planted) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~TwoFaces() override { server_->Shutdown(); }

  std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }
  void Plant(int64_t ns) { ns_ = ns; }

 private:
  using Call = grpc::ServerContext;
  grpc::Status GetServer(Call*, const v1::GetServerRequest* request, v1::Server* reply) override {
    grpc::ClientContext call;
    const grpc::Status status = real_->GetServer(&call, *request, reply);
    const std::lock_guard lock(mutex_);
    reply->set_mode(face_);
    reply->set_generation(generation_);
    return status;
  }
  grpc::Status ListModes(Call*, const v1::ListModesRequest*,
                         v1::ListModesResponse* reply) override {
    for (const v1::Mode mode : {v1::MODE_EPOLL, kBusy}) {
      v1::ModeInfo& info = *reply->add_modes();
      info.set_mode(mode);
      info.set_available(true);
    }
    return grpc::Status::OK;
  }
  grpc::Status SwitchMode(Call*, const v1::SwitchModeRequest* request,
                          v1::ModeSwitch* reply) override {
    const std::lock_guard lock(mutex_);
    face_ = request->mode();
    planted_.Set(face_ == kBusy ? ns_.load() : 0);
    reply->set_state(v1::ModeSwitch::STATE_COMPLETED);
    reply->set_generation(++generation_);
    return grpc::Status::OK;
  }
  grpc::Status GetStats(Call*, const v1::GetStatsRequest* request, v1::Stats* reply) override {
    grpc::ClientContext call;
    const grpc::Status status = real_->GetStats(&call, *request, reply);
    const std::lock_guard lock(mutex_);
    reply->set_generation(generation_);
    for (v1::ModeStats& stats : *reply->mutable_modes()) stats.set_mode(face_);
    return status;
  }

  const std::unique_ptr<v1::ServerService::Stub> real_;
  SharedNumber& planted_;
  std::atomic<int64_t> ns_{0};
  std::mutex mutex_;
  v1::Mode face_ = v1::MODE_EPOLL;
  int64_t generation_ = 1;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

std::string AddressAfter(const std::string& out, const std::string& label) {
  const size_t begin = out.find(label) + label.size();
  return out.substr(begin, out.find_first_of(" \n", begin) - begin);
}

class CompareCampaign : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.WaitForOutput("ready")); }

  // The other face beside the baseline's.
  v1::ComparedMode Compare(TwoFaces& faces, int rounds, int seed, int rate) {
    const Ended ended =
        RunToEndWithin({"compare", "--endpoint", faces.endpoint(), "--modes", "epoll,coroutine",
                        "--baseline", "epoll", "--rate", std::to_string(rate), "--blocks",
                        std::to_string(rounds), "--block-time", "200ms", "--settle", "200ms",
                        "--seed", std::to_string(seed), "-o", "json"});
    v1::CompareReport report;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(ended.out, &report).ok()) << ended.err;
    EXPECT_EQ(report.done_round_count(), rounds) << ended.err;
    return report.modes_size() == 2 ? report.modes(1) : v1::ComparedMode();
  }

  SharedNumber planted_;
  Process server_{HANDSHAKE_SERVER,
                  {"--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--mode", "epoll"},
                  {.environment = {{"LD_PRELOAD", PLANTED_SLOWDOWN_LIBRARY},
                                   {"PLANTED_SLOWDOWN", planted_.path()}}}};

 private:
  static Ended RunToEndWithin(const std::vector<std::string>& arguments) {
    return Process(HANDSHAKECTL, arguments, {}).Wait(std::chrono::minutes(2));
  }
};

bool CpuOrLatencyDiffers(const v1::ComparedMode& mode) {
  return mode.p50().real() || mode.p99().real() || mode.rate().real() || mode.cpu().real();
}

TEST_F(CompareCampaign, FindsWhatIsPlantedAndNothingElse) {
  const bool campaign = std::getenv("HANDSHAKE_CAMPAIGN") != nullptr;
  TwoFaces faces(AddressAfter(server_.output(), "control on "), planted_);
  if (!campaign) {
    constexpr int kLowRate = 200;
    // Small, and without figures that a busy machine could break.
    const v1::ComparedMode before = Compare(faces, 1, 1, kLowRate);
    ASSERT_GT(before.cpu().value(), 0);
    faces.Plant(200'000);
    EXPECT_GT(Compare(faces, 1, 1, kLowRate).cpu().value(), 150);  // microseconds
    return;
  }
  constexpr int kRate = 2'000;
  constexpr int kComparisons = 20;
  constexpr int kRounds = 24;
  int false_alarms = 0;
  double cpu_us = 0;
  for (int i = 0; i < kComparisons; ++i) {
    const v1::ComparedMode self = Compare(faces, kRounds, i, kRate);
    false_alarms += CpuOrLatencyDiffers(self) ? 1 : 0;
    cpu_us += self.cpu().value() / kComparisons;
  }
  faces.Plant(static_cast<int64_t>(0.05 * cpu_us * 1'000));
  int found = 0;
  for (int i = 0; i < kComparisons; ++i)
    found += Compare(faces, kRounds, i, kRate).cpu().real() ? 1 : 0;
  std::printf(
      "compare: a mode with itself, %d of %d differ; 5 %% more CPU planted (%.1f us), %d of "
      "%d found\n",
      false_alarms, kComparisons, 0.05 * cpu_us, found, kComparisons);
  EXPECT_LE(false_alarms, 2);
  EXPECT_GE(found, 18);
}

}  // namespace
}  // namespace handshake::testing
