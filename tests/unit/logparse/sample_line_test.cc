#include "logparse/sample_line.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include "logparse/reader.h"
#include "sample_support.h"

namespace pgbeacon::log {
namespace {

Message From(std::string_view source, std::string_view process, std::string_view text) {
  Message message;
  message.side = Side::kPlatform;
  message.source = source;
  message.process = process;
  message.text = text;
  return message;
}

TEST(SampleRecord, IsTrustedFromAddOnsAndTheDynoManagerOnly) {
  const char* const line = "source=DATABASE addon=pg-1 sample#tables=1";
  EXPECT_TRUE(IsSampleRecord(From("app", "heroku-postgres", line)));
  EXPECT_TRUE(
      IsSampleRecord(From("app", "heroku-pgbouncer", "source=pgbouncer sample#max_wait=0")));
  EXPECT_TRUE(IsSampleRecord(From("app", "heroku-redis", "count#evictions=1")));
  EXPECT_TRUE(IsSampleRecord(
      From("heroku", "web.1", "source=web.1 dyno=heroku.1.2 sample#load_avg_1m=0.1")));
  for (const auto& [source, process] : {std::pair("app", "web.1"),
                                        {"app", "heroku-postgres.1"},
                                        {"app", "postgres.7"},
                                        {"app", ""},
                                        {"heroku", "router"},
                                        {"heroku", "web.1"},
                                        {"", ""},
                                        {"db", "postgres"}}) {
    EXPECT_FALSE(IsSampleRecord(From(source, process, line))) << source << "[" << process << "]";
  }
}

TEST(SampleRecord, IsNotFoundInsideOfTextsThatClientsHaveAPartIn) {
  EXPECT_FALSE(IsSampleRecord(
      From("app", "heroku-pgbouncer", "C-0x1: app/x sample#tables=1@1.2.3.4:5 login failed")));
  EXPECT_FALSE(IsSampleRecord(
      From("heroku", "router", "at=info path=\"/ source=router dyno=x sample#tables=1\"")));
  EXPECT_FALSE(
      IsSampleRecord(From("heroku", "web.1", "Starting process with command `x sample#tables=1`")));
}

TEST(SampleLine, KnowsAllKindsOfWords) {
  const SampleLine line = ReadSampleLine(
      "  sample#a=1kB count#b= count#c measure#d=4ms\tmeasure.e=5 source=DATABASE other=x "
      "addon=pg-1 sample#f=\"6\" note=\"x sample#forged=1 \\\" sample#too=2\" sample#=7\n");
  EXPECT_EQ(line.source, "DATABASE");
  EXPECT_EQ(line.addon, "pg-1");
  std::string fields;
  for (const SampleField& field : line.fields) {
    fields += std::to_string(static_cast<int>(field.kind)) + std::string(field.key) + "=" +
              std::string(field.value) + " ";
  }
  EXPECT_EQ(fields, "0a=1kB 1b= 1c= 2d=4ms 2e=5 0f=6 0=7 ");
}

TEST(SampleLine, EndsWhereItsBytesEnd) {
  for (const char* text : {"", "=", "sample#", "sample#a=\"", "sample#a=\"x\\", "\"", "a=\"b",
                           "source=", "source=\"\\\""}) {
    EXPECT_LE(ReadSampleLine(text).fields.size(), 1U) << text;
  }
}

TEST(SampleLine, IsWrittenInTheDocumentedOrderAndForm) {
  const std::map<std::string, double> figures = {
      {"pg_sample_current_transaction", 179097},
      {"pg_sample_db_size_bytes", 61229240},
      {"pg_sample_tables", 38},
      {"pg_sample_active_connections", 9},
      {"pg_sample_waiting_connections", 0},
      {"pg_sample_index_cache_hit_ratio", 0.99999},
      {"pg_sample_table_cache_hit_ratio", 1},
      {"pg_sample_load_avg_1m", 0.395},
      {"pg_sample_load_avg_5m", 0.44},
      {"pg_sample_load_avg_15m", 0.435},
      {"pg_sample_read_iops", 17.042},
      {"pg_sample_write_iops", 1.7437},
      {"pg_sample_memory_total_bytes", 7629452.0 * 1024},
      {"pg_sample_memory_free_bytes", 64876.0 * 1024},
      {"pg_sample_memory_cached_bytes", 6838076.0 * 1024},
      {"pg_sample_memory_postgres_bytes", 364248.0 * 1024},
  };
  std::string line = WriteSampleLine(Specs(), "HEROKU_POSTGRESQL_CHARCOAL", "", figures);
  line.erase(line.find("addon= "), 7);
  std::ifstream seeds(std::string(PGB_SOURCE_DIR) + "/tests/data/seed-logs.txt");
  std::string seed;
  while (std::getline(seeds, seed) && !seed.starts_with("heroku_sample\t")) {
  }
  EXPECT_EQ(line, seed.substr(std::min(seed.find("source="), seed.size())));
}

TEST(SampleLine, IsReadBackToTheSameValues) {
  std::map<std::string, double> figures;
  const double whole[] = {0, 1, 4294967296, 9007199254740991};
  const double ratios[] = {0, 1, 0.5, 0.99999, 0.00001};
  const double numbers[] = {0, 0.00012345, 0.0742, 17.042, 123456, 1e12, 1e-9};
  for (std::size_t round = 0; round < 7; ++round) {
    for (const SampleSpec& spec : Specs()) {
      if (spec.print == SamplePrint::kNever) continue;
      const bool kilobytes = spec.print == SamplePrint::kKilobytes;
      figures[spec.metric] = spec.print == SamplePrint::kRatio    ? ratios[round % 5]
                             : spec.print == SamplePrint::kNumber ? numbers[round]
                                                                  : whole[round % 4];
      if (kilobytes) figures[spec.metric] = std::trunc(figures[spec.metric] / 1024) * 1024;
    }
    SampleStore store;
    store.Take(Specs(), WriteSampleLine(Specs(), "DATABASE", "orders", figures), 1000);
    std::map<std::string, double> read;
    for (const auto& [series, value] : Shown(store, 1000)) {
      const std::string name = series.substr(0, series.find(' '));
      if (name == "pg_sample_last_timestamp_seconds") continue;
      EXPECT_EQ(series, name + " source=DATABASE addon=orders");
      read[name] = value;
    }
    EXPECT_EQ(read, figures) << round;
    EXPECT_EQ(figures.size(), 27U) << "every documented key of PostgreSQL";
  }
}

TEST(SampleLine, LeavesOutWhatIsNoFigure) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(WriteSampleLine(Specs(), "D B", "a\"b\n",
                            {{"pg_sample_tables", nan},
                             {"pg_sample_read_iops", infinity},
                             {"pg_sample_db_size_bytes", 1e300},
                             {"pg_sample_max_wait_seconds", 1},
                             {"pg_sample_index_cache_hit_ratio", 0.999996}}),
            "source=D-B addon=a-b- sample#index-cache-hit-rate=1");
}

}  // namespace
}  // namespace pgbeacon::log
