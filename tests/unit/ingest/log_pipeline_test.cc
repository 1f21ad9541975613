#include "exporter/ingest/log_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "ingest_support.h"

namespace pgbeacon::ingest {
namespace {

using testing::HasSubstr;

/// What goes to pgbeacon's own log meanwhile.
class CapturedLog {
 public:
  CapturedLog() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)));
  }
  ~CapturedLog() { spdlog::set_default_logger(before_); }
  std::string text() const { return out_.str(); }
  std::size_t warnings() const {
    std::size_t count = 0;
    const std::string all = text();
    for (std::size_t at = all.find("[warning]"); at != std::string::npos;
         at = all.find("[warning]", at + 1)) {
      ++count;
    }
    return count;
  }

 private:
  std::shared_ptr<spdlog::logger> before_;
  std::ostringstream out_;
};

std::string ClientRecord(int i) {
  return "2026-11-20 22:09:45.301 UTC [" + std::to_string(100 + i % 5) +
         "] app@shop LOG:  duration: 1." + std::to_string(i) + " ms  statement: SELECT 1\n";
}
std::string ClientRecords(int count) {
  std::string records;
  for (int i = 0; i < count; ++i) records += ClientRecord(i);
  return records;
}

TEST(LogPipeline, ShowsItsSourceFamiliesAtZeroFromTheStart) {
  TempFolder folder;
  Driven driven({From(folder / "log")});
  driven.Run();
  const Families families = driven.pipeline().Collect();
  EXPECT_EQ(Value(families, "pgbeacon_source_lines_total", {{"source", "test"}}), 0);
  EXPECT_EQ(Value(families, "pgbeacon_source_bytes_total", {{"source", "test"}}), 0);
  EXPECT_EQ(Value(families, "pgbeacon_source_truncated_records_total"), 0);
  for (const char* reason :
       {"no_prefix", "bad_frame", "bad_csv", "bad_json", "too_long", "orphan"}) {
    EXPECT_EQ(Value(families, "pgbeacon_source_unparsed_lines_total", {{"reason", reason}}), 0);
  }
  for (const char* reason : {"quota", "overload", "kernel", "disk"}) {
    EXPECT_EQ(Value(families, "pgbeacon_source_dropped_lines_total", {{"reason", reason}}), 0);
  }
  EXPECT_EQ(Value(families, "pg_log_messages_total", {{"server", "db1"}, {"severity", "PANIC"}}),
            0);
}

TEST(LogPipeline, DeliversTheLastRecordOnceTheFileIsQuiet) {
  TempFolder folder;
  Append(folder / "log", "");
  Driven driven({From(folder / "log")});
  driven.Run();
  Append(folder / "log", Record("alone"));
  driven.Run(std::chrono::milliseconds(300));
  EXPECT_EQ(Value(driven.pipeline().Collect(), "pg_log_messages_total", {{"severity", "LOG"}}), 0);
  driven.Run(std::chrono::milliseconds(1100));
  EXPECT_EQ(Value(driven.pipeline().Collect(), "pg_log_messages_total", {{"severity", "LOG"}}), 1);
}

TEST(LogPipeline, WarnsOnceAboutAMissingFileAndSaysWhatToDo) {
  TempFolder folder;
  CapturedLog log;
  Driven driven({From(folder / "missing.log")});
  for (int i = 0; i < 5; ++i) driven.Run();
  EXPECT_EQ(log.warnings(), 1u) << log.text();
  EXPECT_THAT(log.text(), HasSubstr(folder / "missing.log"));
  EXPECT_THAT(log.text(), HasSubstr("No such file"));
}

TEST(LogPipeline, WarnsOnceAboutAPrefixThatDoesNotFit) {
  TempFolder folder;
  Append(folder / "log", Records(500));
  CapturedLog log;
  Driven driven({From(folder / "log", true, "%t:%r:%u@%d:[%p]: ")});
  for (int i = 0; i < 5; ++i) driven.Run();
  EXPECT_EQ(log.warnings(), 1u) << log.text();
  EXPECT_THAT(log.text(), HasSubstr("source=test"));
  EXPECT_THAT(log.text(), HasSubstr("'%t:%r:%u@%d:[%p]: ' fits 0 % of 500 lines"));
  EXPECT_THAT(log.text(), HasSubstr("--source.prefix"));
  EXPECT_EQ(driven.Source("pgbeacon_source_prefix_match_ratio"), 0);
  EXPECT_GT(driven.Source("pgbeacon_source_unparsed_lines_total", {{"reason", "no_prefix"}}), 0);
}

TEST(LogPipeline, DetectsThePrefixOfALogFollowedFromItsEndWithoutCountingTheSample) {
  TempFolder folder;
  Append(folder / "log", ClientRecords(300));
  Driven driven({From(folder / "log", false, std::nullopt)});
  EXPECT_EQ(driven.Logged(), 0);
  Append(folder / "log", ClientRecord(1));
  EXPECT_EQ(driven.Logged(), 1);
  EXPECT_EQ(driven.Source("pgbeacon_source_lines_total"), 1);
  EXPECT_EQ(driven.Source("pgbeacon_source_prefix_match_ratio"), 1);
}

TEST(LogPipeline, CorrectsAPrefixDetectedFromBackgroundProcessesAlone) {
  TempFolder folder;
  Append(folder / "log", Records(300, "checkpoint starting: time"));
  Driven driven({From(folder / "log", false, std::nullopt)});
  EXPECT_EQ(driven.Logged(), 0);
  for (int i = 0; i < 300; ++i) Append(folder / "log", ClientRecord(i));
  EXPECT_EQ(driven.Logged(), 300);
  EXPECT_EQ(driven.Source("pgbeacon_source_unparsed_lines_total"), 0);
}

TEST(LogPipeline, TakesTheServersPrefixOverDetectionButNotOverAConfiguredOne) {
  TempFolder folder;
  Append(folder / "log", "");
  const std::string odd = "7|LOG:  hello\n";
  Driven told({From(folder / "log", false, std::nullopt)});
  told.pipeline().SetServerPrefix("db1", "%p|");
  told.Run();
  Driven configured({From(folder / "log")});
  configured.pipeline().SetServerPrefix("db1", "%p|");
  configured.Run();
  for (int i = 0; i < 150; ++i) Append(folder / "log", odd);
  EXPECT_EQ(told.Logged(), 150);
  EXPECT_EQ(told.Source("pgbeacon_source_prefix_match_ratio"), 1);
  EXPECT_EQ(configured.Logged(), 0);
  EXPECT_EQ(configured.Source("pgbeacon_source_prefix_match_ratio"), 0);
}

TEST(LogPipeline, RefusesASourceNamedTwice) {
  TempFolder folder;
  Append(folder / "log", Records(2));
  Driven driven({From(folder / "log", true), From(folder / "log", true)});
  EXPECT_EQ(driven.Logged(), 2);
}

TEST(LogPipeline, CountsOnItsThreadWhileOthersCollect) {
  TempFolder folder;
  Append(folder / "log", Records(1000));
  LogPipeline pipeline(TestCatalogue(), {}, {From(folder / "log", true)});
  pipeline.Start();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i) Append(folder / "log", Records(1000));
    done = true;
  });
  const auto deadline = SteadyClock::now() + std::chrono::seconds(60);
  double lines = 0;
  while (lines < 51000 && SteadyClock::now() < deadline) {
    const double now = Value(pipeline.Collect(), "pgbeacon_source_lines_total");
    ASSERT_GE(now, lines) << "counters only grow";
    lines = now;
  }
  writer.join();
  pipeline.Stop();
  EXPECT_EQ(lines, 51000);
  EXPECT_EQ(Value(pipeline.Collect(), "pg_log_messages_total", {{"severity", "LOG"}}), 51000);
}

TEST(LogPipeline, StopsAtOnceWithoutSources) {
  LogPipeline pipeline(TestCatalogue(), {}, {});
  pipeline.Start();
  EXPECT_TRUE(pipeline.ready());
  EXPECT_TRUE(pipeline.Collect().empty());
  pipeline.Stop();
}

}  // namespace
}  // namespace pgbeacon::ingest
