#include "collectors/native/patroni.h"

#include <map>

#include "tests/unit/collectors/native_support.h"

namespace pgbeacon::collectors {
namespace {

Families Decode(const std::string& member, double now) {
  Patroni decoder;
  EXPECT_TRUE(decoder.AddMember(Recorded("patroni-3.0.2-" + member + "-patroni.json")).ok());
  EXPECT_TRUE(decoder.AddCluster(Recorded("patroni-3.0.2-" + member + "-cluster.json")).ok());
  EXPECT_TRUE(decoder.AddConfig(Recorded("patroni-3.0.2-" + member + "-config.json")).ok());
  std::size_t dropped = 0;
  Families families = decoder.Take(now, dropped);
  EXPECT_EQ(dropped, 0U);
  return families;
}

constexpr double kRecordedAt = 1795277326;

TEST(Patroni, DecodesALeader) {
  ExpectGolden("patroni-3.0.2-leader.golden", Decode("leader", kRecordedAt));
}

TEST(Patroni, DecodesAReplica) {
  ExpectGolden("patroni-3.0.2-replica.golden", Decode("replica", kRecordedAt));
}

/// What Patroni's own /metrics said at the same time is what we say, under the same names.
TEST(Patroni, AgreesWithPatronisOwnMetrics) {
  for (const std::string member : {"leader", "replica"}) {
    const Families families = Decode(member, kRecordedAt);
    std::size_t compared = 0;
    for (const std::string& line :
         Split(Recorded("patroni-3.0.2-" + member + "-metrics.txt"), '\n')) {
      if (line.empty() || line.starts_with('#')) continue;
      const std::string name = line.substr(0, line.find_first_of("{ "));
      const auto theirs = ParseDouble(line.substr(line.rfind(' ') + 1));
      const std::string ours = ValueOf(families, name + R"({scope="demo"})");
      if (ours.empty()) {
        EXPECT_EQ(*theirs, 0) << "unknown: " << line;
        continue;
      }
      ++compared;
      EXPECT_NEAR(*theirs, *ParseDouble(ours), 1) << line;  // dcs_last_seen moves on
    }
    EXPECT_GE(compared, 15U);
  }
}

TEST(Patroni, TellsPauseRestartAndLagThatIsUnknown) {
  Patroni decoder;
  ASSERT_TRUE(decoder
                  .AddMember(R"({"state": "running", "role": "replica", "pause": true,
    "pending_restart": true, "patroni": {"scope": "s", "name": "n", "version": "4.0.1"}})")
                  .ok());
  ASSERT_TRUE(decoder
                  .AddCluster(R"({"members": [{"name": "n", "role": "replica", "lag": "unknown"},
    {"name": 7}, 8, {"name": "m", "role": "leader", "state": "stopped"}]})")
                  .ok());
  std::size_t dropped = 0;
  const Families families = decoder.Take(1, dropped);
  EXPECT_EQ(ValueOf(families, R"(patroni_is_paused{scope="s",name="n"})"), "1");
  EXPECT_EQ(ValueOf(families, R"(patroni_pending_restart{scope="s",name="n"})"), "1");
  EXPECT_EQ(ValueOf(families, R"(patroni_version{scope="s",name="n"})"), "40001");
  EXPECT_EQ(ValueOf(families, R"(patroni_member_lag_bytes{scope="s",member="n"})"), "");
  EXPECT_EQ(ValueOf(families, R"(patroni_cluster_has_leader{scope="s"})"), "0");
}

TEST(Patroni, RefusesWhatIsNoAnswerOfPatroni) {
  const std::string deep = std::string(100'000, '[');
  const std::string many = "[" + std::string(6'000'000, ' ') + "0]";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string("null"),
        std::string(R"({"state": 1, "role": 2})"), std::string("<html>"), deep, many,
        Recorded("patroni-3.0.2-leader-patroni.json").substr(0, 200)}) {
    Patroni decoder;
    EXPECT_FALSE(decoder.AddMember(text).ok()) << text.substr(0, 40);
    EXPECT_FALSE(decoder.AddCluster(text).ok()) << text.substr(0, 40);
    std::size_t dropped = 0;
    EXPECT_TRUE(decoder.Take(0, dropped).empty());
  }
}

}  // namespace
}  // namespace pgbeacon::collectors
