#include "tests/unit/pg/target_support.h"

#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "exporter/net/descriptor.h"
#include "tests/support/loopback.h"

namespace pgbeacon::scrape {
namespace {

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
  EXPECT_LE(*Value(page, "pgbeacon_backends"), 1) << "closed, but perhaps not gone yet";
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
  const net::Descriptor silent(socket(AF_INET, SOCK_STREAM, 0));
  const int port = test::ListenOnLoopback(silent.get());
  const std::string services = server->directory() + "/services";
  std::ofstream(services) << "[slow]\nldap://127.0.0.1:" << port << "/dc=x?a?one?(cn=x)\n";
  {
    test::EventLoop other;
    TargetOptions options = Options();
    setenv("PGSERVICEFILE", services.c_str(), 1);
    options.conninfo += " service=slow";
    auto watched = std::make_unique<Target>(other.io.get_executor(), other.pool, catalogue,
                                            std::move(options));
    for (int i = 0; i < 2; ++i) {
      const Families page = other.Await(watched->Scrape(SteadyClock::now() + milliseconds(200)));
      EXPECT_EQ(Value(page, "pg_up"), 0);
      EXPECT_EQ(Reason(page), "timeout");
    }
    other.Await(watched->Close());
    watched.reset();
  }
  unsetenv("PGSERVICEFILE");
}

}  // namespace
}  // namespace pgbeacon::scrape
