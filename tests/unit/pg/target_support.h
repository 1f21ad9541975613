// A private server, collectors of the test's own, and the target that asks them.
#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/scrape/page_query.h"
#include "exporter/scrape/target.h"
#include "tests/support/event_loop.h"
#include "tests/support/gauges.h"
#include "tests/support/postgres.h"

namespace pgbeacon::scrape {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline std::string CollectorYaml(const std::string& name, const std::string& sql,
                                 const std::string& more = "") {
  return "name: " + name + "\ntopic: test\nhelp: A test.\n" + more + "queries:\n  - sql: \"" + sql +
         "\"\ncolumns:\n  - {col: v, metric: test_" + name + ", type: gauge, help: A value.}\n";
}

/// A connection of somebody else, closed at the end.
class Client {
 public:
  explicit Client(const std::string& conninfo) : conn_(PQconnectdb(conninfo.c_str())) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { PQfinish(conn_); }
  bool connected() const { return PQstatus(conn_) == CONNECTION_OK; }
  void Do(const char* sql) { PQclear(PQexec(conn_, sql)); }

 private:
  PGconn* conn_;
};

class TargetPgTest : public testing::Test {
 protected:
  void StartServer(const std::vector<std::string>& settings = {}) {
    server = test::Postgres::Start(settings);
    ASSERT_NE(server, nullptr);
    server->Sql("CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor");
    Add("name: quick\ntopic: test\nhelp: A test.\n"
        "queries:\n  - {from: pg_catalog.pg_stat_archiver}\n"
        "columns:\n  - {col: v, expr: \"1\", metric: test_quick, type: gauge, help: A value.}\n");
  }

  void Add(const std::string& yaml) {
    Result<collectors::Collector> collector = collectors::ReadCollector(yaml, "test.yml");
    ASSERT_TRUE(collector.ok()) << collector.error().message;
    collector->on_by_default = true;
    collector->users = !collector->search_path.empty();
    const Status added = catalogue.Add(*std::move(collector));
    ASSERT_TRUE(added.ok()) << added.error().message;
  }

  TargetOptions Options(const std::string& user = "monitor") const {
    TargetOptions options;
    options.name = "db1:5432";
    options.conninfo = server->Conninfo(user);
    return options;
  }

  void Watch(TargetOptions options) {
    target =
        std::make_unique<Target>(loop.io.get_executor(), loop.pool, catalogue, std::move(options));
  }

  Families Scrape(milliseconds within = seconds(20)) {
    const TimePoint start = SteadyClock::now();
    Families page = loop.Await(target->Scrape(start + within));
    EXPECT_LT(SteadyClock::now() - start, within + milliseconds(500));
    EXPECT_EQ(Normalize(page), 0u) << "no series twice";
    return page;
  }

  static std::string Reason(const Families& page) {
    return LabelWhereOne(page, "pg_up_reason", "reason").value_or("none");
  }

  static std::string Failure(const Families& page, const std::string& collector) {
    for (const Family& family : page) {
      if (family.name != "pgbeacon_collector_failure_info") continue;
      for (const ClientMetric& metric : family.metric) {
        if (metric.label[0].value == collector) return metric.label[1].value;
      }
    }
    return "";
  }

  static std::optional<double> Success(const Families& page, const std::string& collector) {
    return test::GaugeOf(page, "pg_scrape_collector_success", collector);
  }

  void ExpectDown(const Families& page, const std::string& reason) {
    EXPECT_EQ(Value(page, "pg_up"), 0);
    EXPECT_EQ(Reason(page), reason);
    EXPECT_EQ(Value(page, "test_quick"), std::nullopt) << "no stale values";
    EXPECT_EQ(Value(page, "pg_server_info"), std::nullopt);
  }

  void ExpectUp(const Families& page) {
    EXPECT_EQ(Value(page, "pg_up"), 1);
    EXPECT_EQ(Reason(page), "ok");
    EXPECT_EQ(Value(page, "test_quick"), 1);
    EXPECT_EQ(Success(page, "quick"), 1);
  }

  int Backends() const {
    return std::atoi(
        server->Sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'monitor'").c_str());
  }

  /// Backends go a moment after their connection.
  void ExpectBackends(int count) {
    EXPECT_TRUE(loop.Until([&] { return Backends() == count; })) << Backends();
  }

  void TearDown() override {
    if (target) loop.Await(target->Close());
    target.reset();
    if (server) {
      EXPECT_TRUE(loop.Until([&] { return Backends() == 0; })) << "a backend was left behind";
    }
  }

  std::unique_ptr<test::Postgres> server;
  collectors::Catalogue catalogue;
  test::EventLoop loop;
  std::unique_ptr<Target> target;
};

}  // namespace pgbeacon::scrape
