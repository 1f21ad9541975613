#include "tests/unit/pg/target_support.h"

#include <signal.h>
#include <unistd.h>

#include <fstream>

namespace pgbeacon::scrape {
namespace {

class TargetFaultsPgTest : public TargetPgTest {};

TEST_F(TargetFaultsPgTest, IsDownWhileTheServerIsStoppedAndBackAtTheNextScrape) {
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

TEST_F(TargetFaultsPgTest, DoesNotNoticeARestartBetweenScrapes) {
  StartServer();
  Watch(Options());
  ExpectUp(Scrape());
  server->Down();
  ASSERT_TRUE(server->Up());
  ExpectUp(Scrape());
}

TEST_F(TargetFaultsPgTest, AnswersInTimeWhileTheServerHangsAndIsBackAfterwards) {
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

TEST_F(TargetFaultsPgTest, FindsAServerThatHungAtTheFirstConnect) {
  StartServer();
  Watch(Options());
  server->Signal(SIGSTOP);
  for (int i = 0; i < 3; ++i) ExpectDown(Scrape(milliseconds(300)), "timeout");
  server->Signal(SIGCONT);
  ExpectUp(Scrape());
  ExpectBackends(1);
}

TEST_F(TargetFaultsPgTest, ReportsAWrongPasswordUntilTheFileHoldsTheRightOne) {
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

TEST_F(TargetFaultsPgTest, ReportsAMissingDatabase) {
  StartServer();
  TargetOptions options = Options();
  options.conninfo = server->Conninfo("monitor", "nope");
  Watch(std::move(options));
  ExpectDown(Scrape(), "database_missing");
}

TEST_F(TargetFaultsPgTest, ReportsAConnectionStringThatIsNotValid) {
  StartServer();
  TargetOptions options = Options();
  options.conninfo = "nonsense";
  Watch(std::move(options));
  ExpectDown(Scrape(), "other");
}

TEST_F(TargetFaultsPgTest, ReportsAFullServer) {
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

TEST_F(TargetFaultsPgTest, ServesTheRestWhileATableIsLocked) {
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

TEST_F(TargetFaultsPgTest, HasNoThirdBackendWhileItsOwnAreStopped) {
  StartServer();
  Add(CollectorYaml("pid", "SELECT pg_backend_pid() AS v"));
  Watch(Options());
  std::vector<pid_t> stopped;
  for (int i = 0; i < 2; ++i) {
    const std::optional<double> pid = Value(Scrape(), "test_pid");
    ASSERT_TRUE(pid);
    stopped.push_back(static_cast<pid_t>(*pid));
    kill(stopped.back(), SIGSTOP);
    ExpectDown(Scrape(milliseconds(500)), "timeout");
  }
  for (int i = 0; i < 3; ++i) {
    const Families page = Scrape(milliseconds(300));
    ExpectDown(page, "timeout");
    EXPECT_EQ(Value(page, "pgbeacon_backends"), 2);
    EXPECT_EQ(Backends(), 2);
  }
  kill(stopped[0], SIGCONT);
  ExpectUp(Scrape());
  kill(stopped[1], SIGCONT);
  EXPECT_TRUE(loop.Until([&] { return Value(Scrape(), "pgbeacon_backends") == 1; }));
  ExpectBackends(1);
}

TEST_F(TargetFaultsPgTest, AsksOnAfterAUsersStatementThatEndedItsConnection) {
  StartServer();
  server->Sql("GRANT pg_signal_backend TO monitor");
  const std::string users = "search_path: pg_catalog\n";
  for (const char* name : {"ends", "hangs_up"}) {
    Add(CollectorYaml(name, "SELECT pg_terminate_backend(pg_backend_pid())::int AS v", users));
  }
  Add(CollectorYaml("queued", "SELECT 3 AS v", users));
  Add(CollectorYaml("queued_too", "SELECT 4 AS v", users));
  Watch(Options());
  for (int i = 0; i < 2; ++i) {
    const Families page = Scrape();
    ExpectUp(page);
    EXPECT_EQ(Failure(page, "ends"), "connection");
    EXPECT_EQ(Failure(page, "hangs_up"), "connection");
    EXPECT_EQ(Value(page, "test_queued"), 3);
    EXPECT_EQ(Value(page, "test_queued_too"), 4);
  }
}

TEST_F(TargetFaultsPgTest, BlamesNoNeighbourOfAUsersStatementThatEndedItsConnection) {
  StartServer();
  server->Sql("GRANT pg_signal_backend TO monitor");
  const std::string users = "search_path: pg_catalog\n";
  // While the many rows are decoded, the server answers what follows and hangs up: what we have not
  // taken of it by then is lost.
  Add(CollectorYaml("many", "SELECT 1 AS v FROM generate_series(1, 40000)", users));
  Add(CollectorYaml("wide", "SELECT 2 AS v, repeat('x', 1000) FROM generate_series(1, 5000)",
                    users));
  Add(CollectorYaml("between", "SELECT 3 AS v", users));
  Add(CollectorYaml("ends", "SELECT pg_terminate_backend(pg_backend_pid())::int AS v", users));
  for (int i = 4; i < 14; ++i) {
    Add(CollectorYaml("after" + std::to_string(i), "SELECT " + std::to_string(i) + " AS v", users));
  }
  Watch(Options());
  for (int i = 0; i < 3; ++i) {
    const Families page = Scrape();
    ExpectUp(page);
    EXPECT_EQ(Failure(page, "ends"), "connection");
    for (const char* name : {"many", "wide", "between", "after4", "after13"}) {
      EXPECT_EQ(Failure(page, name), "") << name;
    }
    EXPECT_EQ(Value(page, "test_between"), 3);
    EXPECT_EQ(Value(page, "test_after13"), 13);
  }
}

TEST_F(TargetFaultsPgTest, DoesNotWaitTwiceForALockedCatalogue) {
  StartServer({"log_min_error_statement = error"});
  for (const char* name : {"a", "b", "c"}) {
    Add(CollectorYaml(name, "SELECT count(*) AS v FROM pg_catalog.pg_tablespace"));
  }
  Watch(Options());
  ExpectUp(Scrape());
  Client holder(server->SocketConninfo());
  holder.Do("BEGIN");
  holder.Do("LOCK TABLE pg_tablespace IN ACCESS EXCLUSIVE MODE");
  Scrape();
  for (int i = 0; i < 3; ++i) {
    const TimePoint start = SteadyClock::now();
    const Families page = Scrape();
    EXPECT_LT(SteadyClock::now() - start, milliseconds(95)) << "lock_timeout is 100 ms";
    ExpectUp(page);
    for (const char* name : {"a", "b", "c"}) EXPECT_EQ(Failure(page, name), "lock_timeout");
  }
  holder.Do("ROLLBACK");
  const Families page = Scrape();
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(Success(page, name), 1);
}

TEST_F(TargetFaultsPgTest, DoesNotCallAnExtensionMissingWhileTheirCatalogueIsLocked) {
  StartServer();
  server->Sql("CREATE EXTENSION pg_buffercache");
  Add(CollectorYaml("cached", "SELECT count(*) AS v FROM {{ext.pg_buffercache}}.pg_buffercache",
                    "needs: {extension: pg_buffercache}\n"));
  Watch(Options());
  Client holder(server->SocketConninfo());
  holder.Do("BEGIN");
  holder.Do("LOCK TABLE pg_extension IN ACCESS EXCLUSIVE MODE");
  for (int i = 0; i < 2; ++i) {
    const Families page = Scrape();
    ExpectUp(page);
    EXPECT_EQ(Failure(page, "cached"), "lock_timeout");
  }
  holder.Do("ROLLBACK");
  const Families page = Scrape();
  EXPECT_EQ(Failure(page, "cached"), "");
  EXPECT_GT(*Value(page, "test_cached"), 0);
}

TEST_F(TargetFaultsPgTest, NamesWhatItWouldHaveAskedAServerThatWasNeverUp) {
  StartServer();
  Add(CollectorYaml("on_standby", "SELECT 4 AS v", "role: standby\n"));
  Watch(Options());
  server->Down();
  const Families page = Scrape();
  ExpectDown(page, "unreachable");
  EXPECT_EQ(Success(page, "quick"), 0);
  EXPECT_EQ(Failure(page, "quick"), "connection");
  EXPECT_EQ(Success(page, "on_standby"), std::nullopt) << "for a standby only";
  ASSERT_TRUE(server->Up());
  ExpectUp(Scrape());
}

TEST_F(TargetFaultsPgTest, IsUpWithFailedCollectorsWhereACatalogueIsLockedFromTheStart) {
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

TEST_F(TargetFaultsPgTest, GoesOnOverItsConnectionWhileTheLoginsAreLocked) {
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

}  // namespace
}  // namespace pgbeacon::scrape
