// Files in a temporary folder and the counts that a pipeline makes of them.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "exporter/ingest/log_pipeline.h"
#include "logparse/events/catalogue.h"
#include "temp_files.h"

namespace pgbeacon::ingest {

inline const log::Catalogue& TestCatalogue() {
  static const Result<log::Catalogue> catalogue = log::Catalogue::Builtin();
  EXPECT_TRUE(catalogue.ok()) << (catalogue.ok() ? "" : catalogue.error().message);
  return *catalogue;
}

/// The sum of a family's samples that carry all of `labels`; -1: there is none.
inline double Value(const Families& families, std::string_view name, const Labels& labels = {}) {
  double sum = -1;
  for (const Family& family : families) {
    if (family.name != name) continue;
    for (const ClientMetric& sample : family.metric) {
      bool fits = true;
      for (const auto& [label, value] : labels) {
        bool has = false;
        for (const auto& own : sample.label) has |= own.name == label && own.value == value;
        fits = fits && has;
      }
      if (!fits) continue;
      const double value =
          family.type == MetricType::Counter ? sample.counter.value : sample.gauge.value;
      sum = std::max(sum, 0.0) + value;
    }
  }
  return sum;
}

/// The time that was so long ago, as `format` of strftime() has it.
inline std::string Ago(std::chrono::seconds ago, const char* format) {
  const auto time = static_cast<std::time_t>(UnixNow()) - static_cast<std::time_t>(ago.count());
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

/// A record that the server wrote so long ago.
inline std::string FatalOf(std::chrono::seconds ago) {
  return Ago(ago, "%Y-%m-%d %H:%M:%S.301 UTC") + " [7] FATAL:  nobody knows this\n";
}

/// A pipeline that is driven step by step under a clock of its own.
class Driven {
 public:
  explicit Driven(std::vector<SourceOptions> sources)
      : pipeline_(TestCatalogue(), {}, std::move(sources)) {}

  /// Lets time pass and reads until nothing is left.
  void Run(std::chrono::milliseconds time = std::chrono::milliseconds(1100)) {
    now_ += time;
    int rounds = 0;
    while (pipeline_.Step(now_)) ASSERT_LT(++rounds, 100000) << "never comes to an end";
  }

  /// Records of severity LOG that were delivered; open ones are flushed by a second of silence.
  double Logged() {
    Run();
    Run();
    return Value(pipeline_.Collect(), "pg_log_messages_total", {{"severity", "LOG"}});
  }
  double Source(std::string_view name, const Labels& labels = {}) {
    return Value(pipeline_.Collect(), name, labels);
  }
  LogPipeline& pipeline() { return pipeline_; }

 private:
  LogPipeline pipeline_;
  TimePoint now_ = TimePoint() + std::chrono::hours(1);
};

}  // namespace pgbeacon::ingest
