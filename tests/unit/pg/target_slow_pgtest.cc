#include "tests/unit/pg/target_support.h"

namespace pgbeacon::scrape {
namespace {

class TargetSlowPgTest : public TargetPgTest {
 protected:
  const std::string users_ = "search_path: pg_catalog\n";
};

TEST_F(TargetSlowPgTest, AUsersStatementThatSleepsLeavesTheOthersTheirTime) {
  StartServer();
  Add(CollectorYaml("before", "SELECT 1 AS v", users_));
  Add(CollectorYaml("sleeps", "SELECT 2 AS v, pg_sleep(1000)", users_));
  Add(CollectorYaml("after", "SELECT 3 AS v", users_));
  Add(CollectorYaml("pid", "SELECT pg_backend_pid() AS v", users_));
  Watch(Options());
  std::optional<double> pid;
  for (int i = 0; i < 3; ++i) {
    const Families page = Scrape(milliseconds(1500));
    ExpectUp(page);
    EXPECT_EQ(Failure(page, "sleeps"), "timeout");
    for (const char* name : {"before", "after", "pid"}) EXPECT_EQ(Failure(page, name), "") << name;
    EXPECT_EQ(Value(page, "test_after"), 3);
    if (i > 0) {
      EXPECT_EQ(Value(page, "test_pid"), pid) << "the connection is kept";
    }
    pid = Value(page, "test_pid");
  }
}

TEST_F(TargetSlowPgTest, OneThatTookAllTheTimeIsAskedLastTheNextTime) {
  StartServer();
  Add(CollectorYaml("sleeps", "SELECT 2 AS v, pg_sleep(1000)", users_ + "timeout: 1h\n"));
  Add(CollectorYaml("after", "SELECT 3 AS v", users_));
  Watch(Options());
  Families page = Scrape(milliseconds(1500));
  ExpectUp(page);
  EXPECT_EQ(Failure(page, "sleeps"), "timeout");
  if (Failure(page, "after").empty()) {  // the server's own timeout came just before the deadline
    EXPECT_EQ(Value(page, "test_after"), 3);
  } else {
    EXPECT_EQ(Failure(page, "after"), "not_asked");
  }
  for (int i = 0; i < 2; ++i) {
    page = Scrape(milliseconds(1500));
    ExpectUp(page);
    EXPECT_EQ(Failure(page, "sleeps"), "timeout");
    EXPECT_EQ(Failure(page, "after"), "");
    EXPECT_EQ(Value(page, "test_after"), 3);
  }
}

TEST_F(TargetSlowPgTest, SeveralThatSleepShareWhatIsLeftBehindTheOthers) {
  StartServer();
  for (const char* name : {"one", "two", "three"}) {
    Add(CollectorYaml(name, "SELECT 2 AS v, pg_sleep(1000)", users_));
  }
  Add(CollectorYaml("after", "SELECT 3 AS v", users_));
  Add(CollectorYaml("after_too", "SELECT 4 AS v", users_));
  Watch(Options());
  Families page;
  for (int i = 0; i < 4; ++i) page = Scrape(milliseconds(1500));
  ExpectUp(page);
  for (const char* name : {"one", "two", "three"}) EXPECT_EQ(Failure(page, name), "timeout");
  EXPECT_EQ(Value(page, "test_after"), 3);
  EXPECT_EQ(Value(page, "test_after_too"), 4);
}

TEST_F(TargetSlowPgTest, AnAnswerThatIsTooLargeCostsItsOwnCollector) {
  StartServer();
  Add(CollectorYaml("huge", "SELECT 2 AS v, repeat('x', 140000000) AS t",
                    users_ + "timeout: 1h\n"));
  Add(CollectorYaml("after", "SELECT 3 AS v", users_));
  Watch(Options());
  const Families page = Scrape();
  ExpectUp(page);
  EXPECT_EQ(Failure(page, "huge"), "other");
  EXPECT_EQ(Value(page, "test_huge"), std::nullopt);
  EXPECT_EQ(Value(page, "test_after"), 3);
}

}  // namespace
}  // namespace pgbeacon::scrape
