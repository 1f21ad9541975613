// Pages for the writer's tests: random ones, and programs that read them.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include "base/families.h"
#include "exporter/metrics/writer.h"

namespace pgbeacon::metrics {

inline std::string Page(Format format, const Families& families) {
  std::string out;
  EXPECT_EQ(WritePage(format, families, out), 0U);
  return out;
}

/// Exit status and output of a program that reads `input` as its last argument or its stdin.
struct Outcome {
  int status = -1;
  std::string output;
};

inline Outcome RunOn(const std::string& command, const std::string& input) {
  char path[] = "/tmp/page_XXXXXX";
  const int file = mkstemp(path);
  Outcome outcome;
  if (file < 0) return outcome;
  close(file);
  std::ofstream(path, std::ios::binary) << input;
  // NOLINTNEXTLINE(cert-env33-c): the commands are constants of the tests
  FILE* pipe = popen((command + " < " + path + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    outcome.output.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  unlink(path);
  return outcome;
}

/// Whether python3 has prometheus_client; the reader's tests are skipped without.
inline bool HasPythonClient() {
  static const bool found =
      RunOn("/usr/bin/python3 -c 'import prometheus_client.openmetrics.parser'", "").status == 0;
  return found;
}

/// Reads pages, separated by a byte 0, with python3-prometheus-client; prints what is refused.
inline Outcome ReadWithPython(Format format, const std::string& pages) {
  const std::string module = format == Format::kOpenMetrics ? "openmetrics.parser" : "parser";
  return RunOn(
      "/usr/bin/python3 -c '"
      "import sys\n"
      "from prometheus_client." +
          module +
          " import text_string_to_metric_families as read\n"
          "failed = 0\n"
          "for page in sys.stdin.buffer.read().decode(\"utf-8\").split(chr(0)):\n"
          "  try:\n"
          "    for family in read(page):\n"
          "      for s in family.samples:\n"
          "        if len(sys.argv) > 1: print(family.name, family.type, s.name, s.labels, "
          "s.value)\n"
          "  except Exception as error:\n"
          "    failed = 1\n"
          "    print(repr(error), page)\n"
          "sys.exit(failed)'",
      pages);
}

/// Families whose names collide often and whose values are anything.
class RandomPage {
 public:
  explicit RandomPage(unsigned seed) : random_(seed) {}

  Families Make(bool colliding) {
    Families families;
    const int count = static_cast<int>(random_() % 12);
    for (int i = 0; i < count; ++i) {
      std::string name = colliding ? Pick({"x", "y"}) : "f" + std::to_string(i);
      name += Pick({"", "_total", "_count", "_sum", "_bucket", "_created"});
      if (colliding) name += Pick({"", "", "_total", "_created"});
      const auto type = static_cast<MetricType>(random_() % 5);
      Family& family = AddFamily(families, name, type, Pick({"", "Help.", "a\\b\n\"c\" \xFF"}));
      FillFamily(family, colliding);
    }
    Normalize(families);
    return families;
  }

  double Value() {
    switch (random_() % 8) {
      case 0:
        return std::numeric_limits<double>::quiet_NaN();
      case 1:
        return std::numeric_limits<double>::infinity();
      case 2:
        return -1.5;
      case 3:
        return 1e17;
      default:
        return static_cast<double>(random_() % 100000) / 8;
    }
  }

 private:
  std::string Pick(std::initializer_list<const char*> choices) {
    return choices.begin()[random_() % choices.size()];
  }

  void FillFamily(Family& family, bool any_value) {
    const int samples = 1 + static_cast<int>(random_() % 3);
    for (int i = 0; i < samples; ++i) {
      Labels labels;
      if (random_() % 2 == 0)
        labels.emplace_back("a", Pick({"", "1", "{}", "x # y", "\"\\\n", "\xC3\xA9", "\xC3"}));
      if (random_() % 2 == 0) labels.emplace_back("b", Pick({",", "b=\"", " 1 2", "}"}));
      const double value = Value();
      if (family.type == MetricType::Histogram) {
        const double low = any_value && random_() % 4 == 0 ? -1 : 0.005;
        AddHistogram(family, std::move(labels), {low, 1}, {random_() % 9, 0, random_() % 9},
                     any_value ? value : std::abs(value));
      } else if (family.type == MetricType::Summary) {
        ClientMetric& metric = family.metric.emplace_back();
        for (auto& [name, text] : labels) metric.label.push_back({name, text});
        metric.summary.quantile = {{0.5, value}, {0.99, Value()}};
        metric.summary.sample_count = random_() % 9;
        metric.summary.sample_sum = value;
      } else {
        AddSample(family, std::move(labels), value);
      }
      if (random_() % 8 == 0) family.metric.back().timestamp_ms = 1700000000123;
    }
  }

  std::mt19937 random_;
};

}  // namespace pgbeacon::metrics
