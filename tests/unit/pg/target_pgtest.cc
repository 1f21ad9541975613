#include "exporter/scrape/target.h"

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exporter/scrape/page_query.h"
#include "tests/support/event_loop.h"
#include "tests/support/postgres.h"

namespace pgbeacon::scrape {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string CollectorYaml(const std::string& name, const std::string& sql,
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

  static double Success(const Families& page, const std::string& collector) {
    for (const Family& family : page) {
      if (family.name != "pg_scrape_collector_success") continue;
      for (const ClientMetric& metric : family.metric) {
        if (metric.label[0].value == collector) return metric.gauge.value;
      }
    }
    return -1;
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

TEST_F(TargetPgTest, ServesAFullPageOverOneWarmConnection) {
  StartServer();
  Watch(Options());
  int facts = 0;
  target->OnFacts([&](const collectors::ServerFacts& learnt) {
    ++facts;
    EXPECT_FALSE(learnt.version.empty());
  });
  EXPECT_FALSE(target->attempted());
  for (int i = 0; i < 5; ++i) {
    const Families page = Scrape();
    ExpectUp(page);
    EXPECT_EQ(Value(page, "pgbeacon_backends"), 1);
    EXPECT_EQ(Value(page, "pg_server_info"), 1);
    EXPECT_EQ(Value(page, "pg_static"), 1);
    EXPECT_EQ(Value(page, "pgbeacon_superuser_login"), 0);
    EXPECT_EQ(Value(page, "pgbeacon_collector_age_seconds"), 0);
  }
  EXPECT_TRUE(target->attempted());
  EXPECT_EQ(facts, 1);
  ExpectBackends(1);
}

TEST_F(TargetPgTest, IsDownWhileTheServerIsStoppedAndBackAtTheNextScrape) {
  StartServer();
  Watch(Options());
  ExpectUp(Scrape());
  server->Down();
  for (int i = 0; i < 3; ++i) {
    const Families page = Scrape();
    ExpectDown(page, "unreachable");
    EXPECT_EQ(Success(page, "quick"), 0);
    EXPECT_EQ(Failure(page, "quick"), "connection");
    EXPECT_EQ(Value(page, "pgbeacon_backends"), 0);
  }
  ASSERT_TRUE(server->Up());
  ExpectUp(Scrape());
}

TEST_F(TargetPgTest, DoesNotNoticeARestartBetweenScrapes) {
  StartServer();
  Watch(Options());
  ExpectUp(Scrape());
  server->Down();
  ASSERT_TRUE(server->Up());
  ExpectUp(Scrape());
}

TEST_F(TargetPgTest, AnswersInTimeWhileTheServerHangsAndIsBackAfterwards) {
  StartServer();
  Watch(Options());
  ExpectUp(Scrape());
  server->Signal(SIGSTOP);
  for (int i = 0; i < 4; ++i) {
    const Families page = Scrape(milliseconds(300));
    ExpectDown(page, "timeout");
    EXPECT_EQ(Failure(page, "quick"), "timeout");
    EXPECT_LE(*Value(page, "pgbeacon_backends"), 2);
  }
  server->Signal(SIGCONT);
  ExpectUp(Scrape());
  EXPECT_LE(Backends(), 2);
  ExpectBackends(1);
}

TEST_F(TargetPgTest, FindsAServerThatHungAtTheFirstConnect) {
  StartServer();
  Watch(Options());
  server->Signal(SIGSTOP);
  for (int i = 0; i < 3; ++i) ExpectDown(Scrape(milliseconds(300)), "timeout");
  server->Signal(SIGCONT);
  ExpectUp(Scrape());
  ExpectBackends(1);
}

TEST_F(TargetPgTest, ReportsAWrongPasswordUntilTheFileHoldsTheRightOne) {
  StartServer();
  server->Sql("CREATE ROLE pw LOGIN PASSWORD 'right'; GRANT pg_monitor TO pw");
  const std::string path = server->directory() + "/password";
  std::ofstream(path) << "wrong\n";
  TargetOptions options = Options("pw");
  options.password_file = path;
  Watch(std::move(options));
  ExpectDown(Scrape(), "auth_failed");
  std::ofstream(path) << "right\n";
  ExpectUp(Scrape());
  loop.Await(target->Close());
}

TEST_F(TargetPgTest, ReportsAMissingDatabase) {
  StartServer();
  TargetOptions options = Options();
  options.conninfo = server->Conninfo("monitor", "nope");
  Watch(std::move(options));
  ExpectDown(Scrape(), "database_missing");
}

TEST_F(TargetPgTest, ReportsAConnectionStringThatIsNotValid) {
  StartServer();
  TargetOptions options = Options();
  options.conninfo = "nonsense";
  Watch(std::move(options));
  ExpectDown(Scrape(), "other");
}

TEST_F(TargetPgTest, ReportsAFullServer) {
  StartServer({"max_connections = 5", "superuser_reserved_connections = 3"});
  Watch(Options());
  {
    server->Sql("CREATE ROLE other LOGIN");
    const Client first(server->Conninfo("other"));
    const Client second(server->Conninfo("other"));
    ASSERT_TRUE(second.connected());
    ExpectDown(Scrape(), "too_many_connections");
  }
  // A backend leaves pg_stat_activity a moment before its place is free.
  EXPECT_TRUE(loop.Until([&] { return Value(Scrape(), "pg_up") == 1; }));
  ExpectUp(Scrape());
}

TEST_F(TargetPgTest, ServesTheRestWhileATableIsLocked) {
  StartServer();
  server->Sql("CREATE TABLE locked (a int); GRANT SELECT ON locked TO monitor");
  Add(CollectorYaml("locked", "SELECT count(*) AS v FROM public.locked"));
  Add(CollectorYaml("later", "SELECT 2 AS v"));
  Watch(Options());
  Client holder(server->SocketConninfo());
  holder.Do("BEGIN");
  holder.Do("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE");
  for (int i = 0; i < 5; ++i) {
    const Families page = Scrape();
    ExpectUp(page);
    EXPECT_EQ(Value(page, "test_later"), 2);
    EXPECT_EQ(Success(page, "locked"), 0);
    EXPECT_EQ(Failure(page, "locked"), "lock_timeout");
    EXPECT_EQ(Value(page, "pgbeacon_backends"), 1);
  }
  holder.Do("ROLLBACK");
  const Families page = Scrape();
  EXPECT_EQ(Value(page, "test_locked"), 0);
  EXPECT_EQ(Failure(page, "locked"), "");
}

TEST_F(TargetPgTest, NamesWhatItWouldHaveAskedAServerThatWasNeverUp) {
  StartServer();
  Add(CollectorYaml("on_standby", "SELECT 4 AS v", "role: standby\n"));
  Watch(Options());
  server->Down();
  const Families page = Scrape();
  ExpectDown(page, "unreachable");
  EXPECT_EQ(Success(page, "quick"), 0);
  EXPECT_EQ(Failure(page, "quick"), "connection");
  EXPECT_EQ(Success(page, "on_standby"), -1) << "for a standby only";
  ASSERT_TRUE(server->Up());
  ExpectUp(Scrape());
}

TEST_F(TargetPgTest, IsUpWithFailedCollectorsWhereACatalogueIsLockedFromTheStart) {
  StartServer();
  Add(CollectorYaml("rare", "SELECT 1 AS v", "interval: 1h\n"));
  Watch(Options());
  {
    Client holder(server->SocketConninfo());
    holder.Do("BEGIN");
    holder.Do("LOCK TABLE pg_proc IN ACCESS EXCLUSIVE MODE");
    for (int i = 0; i < 3; ++i) {
      const Families page = Scrape(seconds(3));
      EXPECT_EQ(Value(page, "pg_up"), 1);
      EXPECT_EQ(Value(page, "pg_server_info"), std::nullopt) << "not known";
      for (const char* collector : {"quick", "rare"}) {
        EXPECT_EQ(Success(page, collector), 0);
        EXPECT_EQ(Failure(page, collector), "lock_timeout");
      }
      EXPECT_EQ(Value(page, "pgbeacon_backends"), 1) << "the connection is kept";
    }
    holder.Do("ROLLBACK");
  }
  const Families page = Scrape();
  ExpectUp(page);
  EXPECT_EQ(Value(page, "pg_server_info"), 1);
  EXPECT_EQ(Value(page, "test_rare"), 1);
}

TEST_F(TargetPgTest, GoesOnOverItsConnectionWhileTheLoginsAreLocked) {
  StartServer();
  Add(CollectorYaml("pid", "SELECT pg_backend_pid() AS v"));
  Watch(Options());
  const std::optional<double> pid = Value(Scrape(), "test_pid");
  ASSERT_TRUE(pid);
  {
    Client holder(server->SocketConninfo());
    holder.Do("BEGIN");
    holder.Do("LOCK TABLE pg_authid IN ACCESS EXCLUSIVE MODE");
    for (int i = 0; i < 3; ++i) {
      const Families page = Scrape(seconds(3));
      ExpectUp(page);
      EXPECT_EQ(Value(page, "test_pid"), pid);
      EXPECT_EQ(Value(page, "pg_server_info"), 1);
    }
    holder.Do("ROLLBACK");
  }
  EXPECT_EQ(Value(Scrape(), "test_pid"), pid);
}

TEST_F(TargetPgTest, PlansAnewWhenAStandbyIsPromoted) {
  StartServer({"wal_level = replica", "max_wal_senders = 2"});
  Add(CollectorYaml("on_primary", "SELECT 3 AS v", "role: primary\n"));
  Add(CollectorYaml("on_standby", "SELECT 4 AS v", "role: standby\n"));
  server->Down();
  std::ofstream(server->directory() + "/data/standby.signal") << "";
  ASSERT_TRUE(server->Up());
  Watch(Options());
  Families page = Scrape();
  ExpectUp(page);
  EXPECT_EQ(Value(page, "test_on_standby"), 4);
  EXPECT_EQ(Value(page, "test_on_primary"), std::nullopt);
  EXPECT_EQ(server->Sql("SELECT pg_promote()"), "t");
  page = Scrape();
  ExpectUp(page);
  EXPECT_EQ(Value(page, "test_on_standby"), std::nullopt);
  EXPECT_EQ(Value(page, "test_on_primary"), 3);
}

net::awaitable<void> ScrapeInto(Target& target, TimePoint deadline, Families& page, int& done) {
  page = co_await target.Scrape(deadline);
  ++done;
}

TEST_F(TargetPgTest, SharesOneRunAndAnswersEachScrapeAtItsOwnDeadline) {
  StartServer();
  Add(CollectorYaml("slow", "SELECT extract(epoch FROM clock_timestamp()) AS v FROM pg_sleep(1)"));
  Watch(Options());
  Families pages[3];
  int done = 0;
  const TimePoint start = SteadyClock::now();
  const milliseconds within[] = {seconds(20), seconds(15), milliseconds(600)};
  for (int i = 0; i < 3; ++i) {
    net::asio::co_spawn(loop.io, ScrapeInto(*target, start + within[i], pages[i], done),
                        net::asio::detached);
  }
  ASSERT_TRUE(loop.Until([&] { return done == 1; }));
  EXPECT_LT(SteadyClock::now() - start, milliseconds(950));
  ExpectUp(pages[2]);
  EXPECT_EQ(Failure(pages[2], "slow"), "timeout");
  ASSERT_TRUE(loop.Until([&] { return done == 3; }));
  ASSERT_TRUE(Value(pages[0], "test_slow"));
  EXPECT_EQ(Value(pages[0], "test_slow"), Value(pages[1], "test_slow"));
  EXPECT_EQ(Value(pages[0], "pgbeacon_backends"), 1);
  EXPECT_GE(Value(pages[0], "pgbeacon_target_seconds_total"), 0.5);
}

TEST_F(TargetPgTest, AnImpatientScrapeDoesNotSpoilAPatientOne) {
  StartServer();
  Add(CollectorYaml("slow", "SELECT 1 AS v FROM pg_sleep(2)"));
  Watch(Options());
  Families pages[2];
  int done = 0;
  const TimePoint start = SteadyClock::now();
  const milliseconds within[] = {milliseconds(300), seconds(20)};
  for (int i = 0; i < 2; ++i) {
    net::asio::co_spawn(loop.io, ScrapeInto(*target, start + within[i], pages[i], done),
                        net::asio::detached);
  }
  ASSERT_TRUE(loop.Until([&] { return done == 2; }));
  ExpectUp(pages[1]);
  EXPECT_EQ(Value(pages[1], "test_slow"), 1);
}

TEST_F(TargetPgTest, DropsAStatementThatOutlivesTheDeadline) {
  StartServer();
  Add(CollectorYaml("slow", "SELECT 1 AS v FROM pg_sleep(60)"));
  Watch(Options());
  const Families page = Scrape(milliseconds(700));
  ExpectUp(page);
  EXPECT_EQ(Failure(page, "slow"), "timeout");
  ExpectBackends(1);
  EXPECT_TRUE(loop.Until([&] {
    return server->Sql(
               "SELECT count(*) FROM pg_stat_activity WHERE usename = 'monitor' AND state = "
               "'active'") == "0";
  }));
}

TEST_F(TargetPgTest, KeepsWhatACollectorWithAnIntervalGave) {
  StartServer();
  Add(CollectorYaml("rare", "SELECT extract(epoch FROM clock_timestamp()) AS v", "interval: 1h\n"));
  Watch(Options());
  Families page = Scrape();  // the first page waits for it
  ExpectUp(page);
  const std::optional<double> first = Value(page, "test_rare");
  ASSERT_TRUE(first);
  EXPECT_EQ(Success(page, "rare"), 1);
  ExpectBackends(1);
  page = Scrape();
  EXPECT_EQ(Value(page, "test_rare"), first);
  server->Down();
  page = Scrape();
  EXPECT_EQ(Value(page, "test_rare"), std::nullopt);
  ASSERT_TRUE(server->Up());
  ExpectUp(Scrape());
}

TEST_F(TargetPgTest, FailsOneCollectorWithoutTheOthers) {
  StartServer();
  server->Sql("CREATE TABLE secret (a int)");
  Add(CollectorYaml("secret", "SELECT count(*) AS v FROM public.secret"));
  Add(CollectorYaml("broken", "SELECT nothing AS v"));
  Watch(Options());
  for (int i = 0; i < 2; ++i) {
    const Families page = Scrape();
    ExpectUp(page);
    EXPECT_EQ(Failure(page, "secret"), "permission");
    EXPECT_EQ(Failure(page, "broken"), "syntax");
  }
}

TEST_F(TargetPgTest, WarnsOfASuperuserAndRefusesOneWhenTold) {
  StartServer();
  Watch(Options("postgres"));
  Families page = Scrape();
  ExpectUp(page);
  EXPECT_EQ(Value(page, "pgbeacon_superuser_login"), 1);
  loop.Await(target->Close());
  TargetOptions options = Options("postgres");
  options.refuse_superuser = true;
  Watch(std::move(options));
  page = Scrape();
  ExpectDown(page, "superuser_refused");
  EXPECT_EQ(Value(page, "pgbeacon_backends"), 0);
}

net::awaitable<void> ExplainInto(Target& target, TimePoint deadline,
                                 Result<std::vector<Explained>>& explained) {
  explained = co_await target.Explain(deadline);
}

TEST_F(TargetPgTest, RunsEveryEmbeddedCollector) {
  StartServer();
  Result<collectors::Catalogue> builtin = collectors::Catalogue::Builtin();
  ASSERT_TRUE(builtin.ok()) << builtin.error().message;
  catalogue = *std::move(builtin);
  TargetOptions options = Options();
  options.selection.all = true;
  Watch(std::move(options));
  for (int i = 0; i < 2; ++i) {
    Families page = Scrape();
    EXPECT_EQ(Value(page, "pg_up"), 1);
    const std::vector<double> success = Values(page, "pg_scrape_collector_success");
    EXPECT_GT(success.size(), 5u);
    for (const auto& collector : catalogue.collectors()) {
      EXPECT_EQ(Failure(page, collector->name), "") << collector->name;
    }
  }
  ExpectBackends(1);
}

TEST_F(TargetPgTest, ExplainsEveryCollector) {
  StartServer();
  Add(CollectorYaml("broken", "SELECT nothing AS v"));
  Add(CollectorYaml("on_standby", "SELECT 4 AS v", "role: standby\n"));
  Watch(Options());
  Result<std::vector<Explained>> explained = std::vector<Explained>();
  loop.Await(ExplainInto(*target, SteadyClock::now() + seconds(20), explained));
  ASSERT_TRUE(explained.ok());
  ASSERT_EQ(explained->size(), 3u);
  for (const Explained& line : *explained) {
    EXPECT_EQ(line.on, line.collector != "on_standby") << line.collector;
    EXPECT_EQ(line.reason.empty(), line.collector == "quick") << line.reason;
    EXPECT_EQ(line.series, line.collector == "quick" ? 1u : 0u);
  }
  ExpectBackends(0);
}

TEST_F(TargetPgTest, EndsCleanlyWhileAQueryOrAConnectIsPending) {
  StartServer();
  Add(CollectorYaml("slow", "SELECT 1 AS v FROM pg_sleep(60)"));
  for (const bool stopped : {false, true}) {
    if (stopped) server->Signal(SIGSTOP);
    test::EventLoop other;
    Target watched(other.io.get_executor(), other.pool, catalogue, Options());
    Families page;
    int done = 0;
    net::asio::co_spawn(other.io, ScrapeInto(watched, SteadyClock::now() + seconds(30), page, done),
                        net::asio::detached);
    const TimePoint until = SteadyClock::now() + milliseconds(400);
    ASSERT_TRUE(other.Until([&] { return SteadyClock::now() > until; }));
    EXPECT_EQ(done, 0);
    other.io.stop();
  }
  server->Signal(SIGCONT);
}

TEST_F(TargetPgTest, EndsCleanlyWhileAPoolThreadStillConnects) {
  StartServer();
  const std::string fifo = server->directory() + "/fifo";  // opening it waits for a writer
  ASSERT_EQ(mkfifo(fifo.c_str(), 0666), 0);
  std::future<void> writer;
  {
    test::EventLoop other;
    TargetOptions options = Options();
    options.password_file = fifo;
    auto watched = std::make_unique<Target>(other.io.get_executor(), other.pool, catalogue,
                                            std::move(options));
    for (int i = 0; i < 2; ++i) {
      const Families page = other.Await(watched->Scrape(SteadyClock::now() + milliseconds(200)));
      EXPECT_EQ(Value(page, "pg_up"), 0);
      EXPECT_EQ(Reason(page), "timeout");
    }
    other.Await(watched->Close());
    watched.reset();
    writer = std::async(std::launch::async, [fifo] { std::ofstream(fifo) << "secret\n"; });
  }
  writer.get();
}

}  // namespace
}  // namespace pgbeacon::scrape
