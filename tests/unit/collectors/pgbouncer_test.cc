#include "collectors/native/pgbouncer.h"

#include "tests/unit/collectors/native_support.h"

namespace pgbeacon::collectors {
namespace {

TEST(PgBouncer, DecodesWhatVersion118Answers) {
  PgBouncer decoder("pool");
  const std::pair<Subject, const char*> answers[] = {
      {Subject::kVersion, "version"}, {Subject::kConfig, "config"},
      {Subject::kLists, "lists"},     {Subject::kDatabases, "databases"},
      {Subject::kPools, "pools"},     {Subject::kStats, "stats_totals"},
      {Subject::kClients, "clients"}, {Subject::kServers, "servers"},
  };
  for (const auto& [subject, name] : answers) {
    decoder.Add(subject, RecordedRows(std::string("pgbouncer-1.18-") + name + ".tsv"));
  }
  ExpectGolden("pgbouncer-1.18.golden", decoder.Take());
  EXPECT_EQ(decoder.dropped(), 0U);
}

TEST(PgBouncer, ReadsColumnsOfLaterVersionsAndState) {
  PgBouncer decoder("p");
  decoder.Add(
      Subject::kState,
      MemoryRows({"key", "value"}, {{"active", "no"}, {"paused", "yes"}, {"unheard of", "yes"}}));
  decoder.Add(
      Subject::kDatabases,
      MemoryRows({"name", "reserve_pool_size", "current_client_connections"}, {{"app", "3", "7"}}));
  const Families families = decoder.Take();
  EXPECT_EQ(ValueOf(families, R"(pgbouncer_state{pgbouncer="p",state="paused"})"), "1");
  EXPECT_EQ(ValueOf(families, R"(pgbouncer_state{pgbouncer="p",state="active"})"), "0");
  const std::string labels =
      R"({pgbouncer="p",name="app",host="",port="",database="",force_user="",pool_mode=""})";
  EXPECT_EQ(ValueOf(families, "pgbouncer_databases_reserve_pool" + labels), "3");
  EXPECT_EQ(ValueOf(families, "pgbouncer_databases_current_client_connections" + labels), "7");
}

TEST(PgBouncer, AddsMicrosecondsToTheLongestWait) {
  PgBouncer decoder("p");
  decoder.Add(Subject::kPools, MemoryRows({"database", "user", "maxwait", "maxwait_us"},
                                          {{"app", "u", "2", "500000"}}));
  EXPECT_EQ(ValueOf(decoder.Take(), R"(pgbouncer_pools_client_maxwait_seconds)"
                                    R"({pgbouncer="p",database="app",user="u"})"),
            "2.5");
}

TEST(PgBouncer, LeavesOutWhatIsNoNumber) {
  PgBouncer decoder("p");
  decoder.Add(Subject::kStats,
              MemoryRows({"database", "xact_count", "query_count", "wait_time", "bytes_sent"},
                         {{"app", "NaN", "many", "-1", std::nullopt}}));
  decoder.Add(Subject::kLists, MemoryRows({"list"}, {{"databases"}}));
  decoder.Add(Subject::kConfig, MemoryRows({}, {{}}));
  decoder.Add(Subject::kVersion, MemoryRows({"version"}, {}));
  EXPECT_TRUE(decoder.Take().empty());
  EXPECT_EQ(decoder.dropped(), 4U);  // a negative counter counts under both of its names
}

TEST(PgBouncer, BoundsWhatItTallies) {
  PgBouncer decoder("p");
  for (int i = 0; i < 60'000; ++i) {
    decoder.Add(Subject::kClients, MemoryRows({"database", "user", "state"},
                                              {{"d" + std::to_string(i), "u", "idle"}}));
  }
  Families families = decoder.Take();
  std::size_t series = 0;
  for (const Family& family : families) series += family.metric.size();
  EXPECT_EQ(series, 15'000U);
  EXPECT_EQ(decoder.dropped(), 55'000U);
}

}  // namespace
}  // namespace pgbeacon::collectors
