// Files of a run's report: what is written, and what happens if it cannot be.
#include "control/report/load_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "control/report/csv.h"
#include "control/report/report_file.h"

namespace handshake::report {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class LoadFilesTest : public ::testing::Test {
 protected:
  LoadFilesTest() : folder_(testing::TempDir() + "load_files_" + std::to_string(getpid())) {
    std::filesystem::create_directory(folder_);
  }
  ~LoadFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string In(const std::string& name) const { return folder_ + "/" + name; }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  // A run of two seconds, nothing ok in the second.
  static v1::LoadRun Run() {
    v1::LoadRun run;
    run.mutable_spec()->set_target("127.0.0.1:7000");
    v1::LoadPoint& first = *run.add_points();
    first.mutable_duration()->set_seconds(1);
    first.set_started_count(5);
    first.set_ok_count(3);
    first.set_failed_count(1);
    first.set_in_flight_count(1);
    first.mutable_latency()->set_count(3);
    first.mutable_latency()->set_min_us(90);
    first.mutable_latency()->set_mean_us(110.25);
    first.mutable_latency()->set_p50_us(100);
    first.mutable_latency()->set_max_us(150);
    v1::LoadPoint& second = *run.add_points();
    second.mutable_elapsed()->set_seconds(1);
    second.mutable_duration()->set_nanos(500'000'000);
    second.set_planned_count(2);
    second.set_dropped_count(2);
    return run;
  }

  const std::string folder_;
};

TEST_F(LoadFilesTest, TheSeriesIsALineAPoint) {
  EXPECT_EQ(SeriesCsv(Run()),
            "elapsed_s,duration_s,planned,started,ok,failed,dropped,in_flight,"
            "min_us,mean_us,p50_us,p90_us,p99_us,p999_us,max_us\n"
            "0.000,1.000,0,5,3,1,0,1,90,110.2,100,0,0,0,150\n"
            "1.000,0.500,2,0,0,0,2,0,,,,,,,\n");
}

TEST_F(LoadFilesTest, EachIsWrittenBehindTheRunAndReplacesWhatWasThere) {
  std::ofstream(In("a.csv")) << "before";
  auto files = LoadFiles::Open({.csv = In("a.csv"), .json = In("a.json"), .html = In("a.html")});
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(Read(In("a.csv")), "before");
  ASSERT_TRUE(files->Write(Run()).ok());
  EXPECT_THAT(Read(In("a.csv")), StartsWith("elapsed_s,"));
  EXPECT_THAT(Read(In("a.json")), HasSubstr("\"target\": \"127.0.0.1:7000\""));
  EXPECT_THAT(Read(In("a.html")), StartsWith("<!doctype html>"));
  EXPECT_EQ(Names().size(), 3u) << "nothing else is left";
}

TEST_F(LoadFilesTest, ANameThatCannotBeWrittenIsRefusedBeforeTheRunAndNothingIsTouched) {
  std::ofstream(In("a.csv")) << "before";
  const auto files = LoadFiles::Open({.csv = In("a.csv"), .json = "", .html = In("none/a.html")});
  EXPECT_EQ(files.status().message(),
            "--html: cannot write " + In("none/a.html") + ": No such file or directory");
  EXPECT_EQ(Read(In("a.csv")), "before");
  EXPECT_EQ(Names().size(), 1u);
  EXPECT_THAT(std::string(LoadFiles::Open({.json = folder_}).status().message()),
              HasSubstr("Is a directory"));
}

TEST_F(LoadFilesTest, AFullDiskIsAnErrorAndTheOthersAreWrittenAllTheSame) {
  auto files = LoadFiles::Open({.csv = "/dev/full", .json = In("a.json")});
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->Write(Run()).message(), "cannot write /dev/full: No space left on device");
  EXPECT_THAT(Read(In("a.json")), HasSubstr("127.0.0.1:7000"));
}

TEST_F(LoadFilesTest, WhatDoesNotFitLeavesWhatWasThereBefore) {
  std::ofstream(In("a")) << "before";
  auto file = ReportFile::Open(In("a"));
  ASSERT_TRUE(file.ok()) << file.status();
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small = {.rlim_cur = 10, .rlim_max = limit.rlim_max};
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const absl::Status status = file->Write("more than ten bytes");
  setrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(status.message(),
            "cannot write " + In("a") + ": File too large; what was there before is as it was");
  EXPECT_EQ(Read(In("a")), "before");
}

TEST_F(LoadFilesTest, ARunThatNeverCameLeavesNothing) {
  {
    ASSERT_TRUE(LoadFiles::Open({.csv = In("a.csv")}).ok());
  }
  EXPECT_THAT(Names(), IsEmpty());
}

}  // namespace
}  // namespace handshake::report
