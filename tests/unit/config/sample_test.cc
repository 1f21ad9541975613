#include "exporter/config/sample.h"

#include <gtest/gtest.h>

#include "exporter/config/config.h"

namespace pgbeacon::config {
namespace {

TEST(SampleConfig, IsOffUnlessTheFileAsksForIt) {
  EXPECT_FALSE(ReadConfig("", "test.yml").sample);
  const Config config = ReadConfig("sample: {source: ORDERS}\n", "test.yml");
  ASSERT_TRUE(config.sample);
  EXPECT_EQ(config.sample->interval, std::chrono::seconds(60));
  EXPECT_EQ(config.sample->source, "ORDERS");
  EXPECT_EQ(config.sample->addon, "");
  EXPECT_TRUE(config.errors->empty());
}

TEST(SampleConfig, ReadsTheLimitsOfATarget) {
  const Config config = ReadConfig(
      "targets: [{name: orders, host: db1, limits: {connections: 40, bytes: 1e9}}]\n"
      "sample: {interval: 10s, addon: pg-1}\n",
      "test.yml");
  EXPECT_TRUE(config.errors->empty());
  EXPECT_EQ(config.target->limits.connections, 40);
  EXPECT_EQ(config.target->limits.bytes, 1e9);
  EXPECT_EQ(config.target->limits.iops, std::nullopt);
  EXPECT_EQ(config.sample->interval, std::chrono::seconds(10));
}

TEST(SampleConfig, TellsMistakes) {
  for (const char* text : {"sample: {interval: 100ms}", "sample: {interval: x}",
                           "sample: {source: 'a b'}", "sample: {addon: ''}", "sample: {every: 5s}",
                           "sample: 5", "targets: [{host: db1, limits: {bytes: 0}}]",
                           "targets: [{host: db1, limits: {cpus: 1}}]"}) {
    EXPECT_EQ(ReadConfig(text, "test.yml").errors->messages().size(), 1U) << text;
  }
}

}  // namespace
}  // namespace pgbeacon::config
