#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "base/text.h"
#include "collectors/engine/known.h"
#include "collectors/engine/plan.h"
#include "collectors/engine/sql.h"
#include "tests/unit/collectors/series_text.h"

namespace pgbeacon::collectors {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kNewest = 19;
const std::string kData = std::string(PGB_SOURCE_DIR) + "/tests/data/";

const Catalogue& Builtin() {
  static const Catalogue catalogue = [] {
    Result<Catalogue> read = Catalogue::Builtin();
    EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
    return read.ok() ? std::move(read).value() : Catalogue();
  }();
  return catalogue;
}

std::vector<std::string> Lines(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

ServerFacts Server(int major, bool standby) {
  ServerFacts facts;
  facts.version_num = major * 10000;
  facts.in_recovery = standby;
  facts.privileges = {"pg_monitor", "pg_read_all_stats", "pg_read_all_settings"};
  return facts;
}

Plan PlanFor(int major, bool standby) {
  Selection selection;
  selection.all = true;
  return MakePlan(Builtin(), selection, Server(major, standby));
}

/// Every name that a planned collector can give.
std::set<std::string> NamesOf(const Plan& plan) {
  std::set<std::string> names;
  for (const PlannedCollector& planned : plan.on) {
    for (const Column* column : planned.columns) {
      if (!column->metric.empty()) names.insert(column->metric);
      for (const CompatName& compat : column->compat) {
        if (compat.versions.Contains(planned.major)) names.insert(compat.name);
      }
    }
  }
  return names;
}

TEST(BuiltinCollectors, AllLoad) { EXPECT_GE(Builtin().collectors().size(), 15U); }

TEST(BuiltinCollectors, AreNamedAsTheirFiles) {
  for (const auto& collector : Builtin().collectors()) {
    EXPECT_TRUE(collector->where.starts_with("collectors/" + collector->name + ".yml:"))
        << collector->where;
  }
}

TEST(BuiltinCollectors, OwnNamesCarryTheirUnit) {
  // Peers' names that stand as the column's own name, as theirs is right but for the suffix.
  const std::set<std::string> kPlainCounters = {"pg_stat_archiver_archived_count",
                                                "pg_stat_archiver_failed_count",
                                                "pg_stat_database_stats_reset"};
  for (const auto& collector : Builtin().collectors()) {
    for (const Column& column : collector->columns) {
      const std::string& name = column.metric;
      if (name.empty()) continue;
      EXPECT_TRUE(name.starts_with("pg_")) << name;
      EXPECT_FALSE(column.help.empty()) << name;
      EXPECT_TRUE(column.help.ends_with('.')) << name;
      for (const char* unit : {"_ms", "_milliseconds", "_kb", "_percent", "_count_total"}) {
        EXPECT_FALSE(name.ends_with(unit)) << name;
      }
      if (column.type != MetricType::Counter) {
        EXPECT_FALSE(name.ends_with("_total")) << name;
      }
      if (column.scale != 1) {
        EXPECT_TRUE(name.ends_with("_seconds") || name.ends_with("_seconds_total") ||
                    name.ends_with("_bytes"))
            << name;
      }
      if (column.type == MetricType::Counter && !name.ends_with("_total")) {
        EXPECT_TRUE(kPlainCounters.contains(name) || name.starts_with("pg_stat_database_") ||
                    name.starts_with("pg_stat_wal_receiver_") ||
                    name.starts_with("pg_stat_user_tables_") ||
                    name.starts_with("pg_statio_user_tables_"))
            << name;
      }
    }
  }
}

TEST(BuiltinCollectors, StatementsNameTheirSchemasAndEndWithoutSemicolon) {
  for (int major = kOldestMajor; major <= kNewest; ++major) {
    for (const bool standby : {false, true}) {
      for (const PlannedCollector& planned : PlanFor(major, standby).on) {
        EXPECT_TRUE(planned.sql.starts_with("/* pgbeacon:" + planned.collector->name + " */ "))
            << planned.sql;
        EXPECT_THAT(planned.sql, Not(HasSubstr(";"))) << planned.collector->name;
        EXPECT_THAT(planned.sql, Not(HasSubstr("{{"))) << planned.collector->name;
        for (const char* word : {"FROM pg_", "JOIN pg_", ", pg_", "(pg_"}) {
          for (std::size_t at = planned.sql.find(word); at != std::string::npos;
               at = planned.sql.find(word, at + 1)) {
            const std::size_t name = planned.sql.find("pg_", at);
            EXPECT_TRUE(planned.sql.compare(name, 11, "pg_catalog.") == 0)
                << planned.sql.substr(at, 60);
          }
        }
      }
    }
  }
}

TEST(BuiltinCollectors, GiveEverySeedNameOnEveryMajor) {
  for (int major = kOldestMajor; major <= kNewest; ++major) {
    for (const bool standby : {false, true}) {
      const std::set<std::string> names = NamesOf(PlanFor(major, standby));
      std::size_t seeds = 0;
      for (const std::string& line : Lines(kData + "seed-metrics.tsv")) {
        if (line.empty() || line[0] == '#') continue;
        ++seeds;
        EXPECT_TRUE(names.contains(Split(line, '\t')[0])) << line << " on " << major;
      }
      EXPECT_EQ(seeds, 40U);
    }
  }
}

TEST(BuiltinCollectors, PeersDefaultsAreOn) {
  for (const auto& collector : Builtin().collectors()) {
    if (collector->peer_default || collector->cost == Cost::kCheap) {
      EXPECT_TRUE(collector->on_by_default) << collector->name;
    }
  }
}

TEST(BuiltinCollectors, ExpensiveOnesHaveAnIntervalAndOnlyGauges) {
  for (const auto& collector : Builtin().collectors()) {
    if (collector->cost != Cost::kExpensive) continue;
    EXPECT_TRUE(collector->interval.has_value()) << collector->name;
    for (const Column& column : collector->columns)
      EXPECT_EQ(column.type, MetricType::Gauge) << column.col;
  }
}

TEST(KnownFacts, HaveTheColumnsOfWhatCollectorsRead) {
  const ServerFacts newest = KnownFacts(Builtin(), kNewestMajor, false);
  for (const auto& collector : Builtin().collectors()) {
    for (const Query& query : collector->queries) {
      const std::string relation(RelationOf(query));
      const bool later =
          collector->versions.min > kNewestMajor || query.versions.min > kNewestMajor;
      EXPECT_TRUE(relation.empty() || later || newest.columns.contains(relation))
          << relation << ": run tests/data/make_known_columns.py";
    }
  }
}

TEST(CollectorDocs, ExamplesLoad) {
  std::string block;
  bool inside = false;
  std::size_t examples = 0;
  for (const std::string& line : Lines(std::string(PGB_SOURCE_DIR) + "/docs/collectors.md")) {
    if (line == "```yaml") {
      inside = true;
    } else if (inside && line == "```") {
      const Result<Collector> read = ReadCollector(block, "docs/collectors.md");
      EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
      inside = false;
      block.clear();
      ++examples;
    } else if (inside) {
      block += line + "\n";
    }
  }
  EXPECT_EQ(examples, 4U);
}

/// A golden file NAME.MAJOR[-standby].golden: the columns and rows of an answer as a server gave
/// it, tab-separated with \N for NULL, and after them the series that it means. With
/// PGB_UPDATE_GOLDEN=1 the series are written anew, for somebody to read.
class Golden : public ::testing::TestWithParam<std::string> {};

/// What a golden file holds.
struct GoldenAnswer {
  std::vector<std::string> columns;
  std::vector<MemoryRows::Row> rows;
  std::vector<std::string> series;
  std::string answer;  ///< the lines before the series

  explicit GoldenAnswer(const std::string& file) {
    for (const std::string& line : Lines(kData + "collectors/" + file)) {
      std::vector<std::string> cells = Split(line, '\t');
      if (cells.at(0) == "columns") {
        columns.assign(cells.begin() + 1, cells.end());
      } else if (cells[0] == "row") {
        MemoryRows::Row& row = rows.emplace_back();
        for (std::size_t i = 1; i < cells.size(); ++i) {
          row.push_back(cells[i] == "\\N" ? std::nullopt : std::optional(cells[i]));
        }
        EXPECT_EQ(row.size(), columns.size()) << line;
      } else {
        series.push_back(line);
        continue;
      }
      answer += line + "\n";
    }
  }

  /// What the answer means where a server of this major gives it.
  Decoded DecodeFor(const Collector& collector, int major, bool standby) const {
    ServerFacts facts = Server(major, standby);
    for (const Query& query : collector.queries) {
      const std::string relation(RelationOf(query));
      if (relation.empty()) continue;
      facts.columns[relation] = {columns.begin(), columns.end()};
      for (const Column& column : collector.columns) {
        if (std::ranges::find(columns, column.col) != columns.end()) {
          facts.columns[relation].insert(column.has);
        }
      }
    }
    const std::string& extension = collector.needs.extension;
    if (!extension.empty()) facts.extensions[extension] = {"public", "1"};
    if (!collector.needs.setting.empty()) facts.settings[collector.needs.setting] = "on";
    Selection selection;
    selection.choices[collector.name].enabled = true;
    const Plan plan = MakePlan(Builtin(), selection, facts);
    const auto planned = std::ranges::find(plan.on, &collector, &PlannedCollector::collector);
    if (planned == plan.on.end()) {
      ADD_FAILURE() << collector.name << " is not planned on " << major;
      return {};
    }
    return Decode(*planned, MemoryRows(columns, rows), "db1:5432");
  }
};

TEST_P(Golden, RowsMeanTheirSeries) {
  const std::vector<std::string> parts = Split(GetParam(), '.');
  const bool standby = parts.at(1).ends_with("-standby");
  const std::optional<std::int64_t> major = ParseInt(parts[1].substr(0, 2));
  ASSERT_TRUE(major);
  GoldenAnswer golden(GetParam());
  const Collector* collector = Builtin().Find(parts[0]);
  ASSERT_NE(collector, nullptr);
  const Decoded decoded = golden.DecodeFor(*collector, static_cast<int>(*major), standby);
  if (std::getenv("PGB_UPDATE_GOLDEN") != nullptr) {
    golden.series = SeriesText(decoded.families);
    std::ofstream(kData + "collectors/" + GetParam())
        << golden.answer << Join(golden.series, "\n") << "\n";
  }
  EXPECT_THAT(SeriesText(decoded.families), ElementsAreArray(golden.series));
  EXPECT_EQ(decoded.unreadable, 0U);
  EXPECT_EQ(decoded.dropped, 0U);
}

std::vector<std::string> GoldenFiles() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kData + "collectors")) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Collectors, Golden, ::testing::ValuesIn(GoldenFiles()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace_if(
                               name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

/// What a collector asks a server of this major; empty where it does not run there.
std::string SqlFor(const Collector& collector, int major) {
  static std::map<std::pair<int, bool>, std::map<std::string, std::string>> known;
  const bool standby = collector.role == Role::kStandby;
  auto [place, added] = known.try_emplace({major, standby});
  if (added) {
    const Plan plan =
        MakePlan(Builtin(), Selection{.all = true}, KnownFacts(Builtin(), major, standby));
    for (const PlannedCollector& planned : plan.on) {
      place->second.emplace(planned.collector->name, planned.sql);
    }
  }
  const auto sql = place->second.find(collector.name);
  return sql == place->second.end() ? "" : sql->second;
}

/// A major has a file of its own, or is asked the same as one that has, whose answer means the same
/// there.
TEST(BuiltinCollectors, EachMajorHasAGoldenAnswer) {
  std::map<std::string, std::vector<std::string>> files;
  for (const std::string& file : GoldenFiles()) files[Split(file, '.')[0]].push_back(file);
  for (const auto& collector : Builtin().collectors()) {
    const bool only_standby = collector->role == Role::kStandby;
    for (int major = kOldestMajor; major <= kNewestMajor; ++major) {
      const std::string sql = SqlFor(*collector, major);
      if (sql.empty()) continue;
      const bool asserted = std::ranges::any_of(files[collector->name], [&](const auto& file) {
        const std::string of = Split(file, '.')[1];
        const bool standby = of.ends_with("-standby");
        if (standby && !only_standby) return false;
        const int stands_for = static_cast<int>(ParseInt(of.substr(0, 2)).value_or(0));
        if (stands_for == major) return true;
        if (SqlFor(*collector, stands_for) != sql) return false;
        const GoldenAnswer golden(file);
        return SeriesText(golden.DecodeFor(*collector, major, standby).families) == golden.series;
      });
      EXPECT_TRUE(asserted) << collector->name << "." << major << ".golden is not there, and no "
                            << "other major's answer stands for it";
    }
  }
}

}  // namespace
}  // namespace pgbeacon::collectors
