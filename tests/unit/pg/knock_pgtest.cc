#include "exporter/pg/knock.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "exporter/pg/up_reason.h"
#include "tests/support/event_loop.h"
#include "tests/support/postgres.h"
#include "tests/unit/pg/target_support.h"

namespace pgbeacon::pg {
namespace {

class KnockPgTest : public testing::Test {
 protected:
  void SetUp() override {
    server = test::Postgres::Start({"log_connections = on"});
    ASSERT_NE(server, nullptr);
    server->Sql("CREATE ROLE pw LOGIN PASSWORD 'right'");
  }

  Status Ask(std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    const auto login =
        std::make_shared<Login>(*Login::Make(server->Conninfo("pw") + " password=wrong", "", ""));
    return loop.Await(
        Knock(loop.io.get_executor(), loop.pool, login, SteadyClock::now() + patience));
  }

  std::unique_ptr<scrape::Client> other;  // a smart shutdown waits for it
  std::unique_ptr<test::Postgres> server;
  test::EventLoop loop;
};

TEST_F(KnockPgTest, IsLetInWithoutSayingWhoItIs) {
  for (int round = 0; round < 20; ++round) EXPECT_TRUE(Ask().ok());
  std::ifstream file(server->directory() + "/log");
  const std::string log((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(log.find("connection received"), std::string::npos);
  for (const char* noise : {"could not", "unexpected", "password"}) {
    EXPECT_EQ(log.find(noise), std::string::npos) << log;
  }
}

TEST_F(KnockPgTest, IsToldThatTheServerShutsDown) {
  other = std::make_unique<scrape::Client>(server->Conninfo());
  ASSERT_TRUE(other->connected());
  pid_t postmaster = 0;
  std::ifstream(server->directory() + "/data/postmaster.pid") >> postmaster;
  ASSERT_GT(postmaster, 0);
  kill(postmaster, SIGTERM);
  Status door;
  ASSERT_TRUE(loop.Until([&] {
    door = Ask();
    return !door.ok();
  }));
  EXPECT_EQ(ReasonOf(door.error()), UpReason::kInShutdown);
}

TEST_F(KnockPgTest, DoesNotWaitForAServerThatHangs) {
  server->Signal(SIGSTOP);
  const Status door = Ask(std::chrono::milliseconds(200));
  server->Signal(SIGCONT);
  ASSERT_FALSE(door.ok());
  EXPECT_EQ(door.error().code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace pgbeacon::pg
