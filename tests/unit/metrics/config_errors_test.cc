#include "exporter/metrics/config_errors.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pgbeacon::metrics {
namespace {

std::vector<std::string> Labels(const std::vector<std::string>& messages) {
  Families families;
  AppendConfigErrors(messages, families);
  std::vector<std::string> rows;
  for (const Family& family : families) {
    EXPECT_EQ(family.name, "pgbeacon_config_error_info");
    for (const ClientMetric& metric : family.metric) {
      EXPECT_EQ(metric.gauge.value, 1);
      std::string row;
      for (const auto& label : metric.label) row += label.value + "|";
      rows.push_back(row);
    }
  }
  return rows;
}

TEST(ConfigErrors, TellFileLineAndReason) {
  EXPECT_EQ(Labels({"/etc/pg:beacon.yml:3:15: unknown key 'a:1:b'"}),
            std::vector<std::string>({"/etc/pg:beacon.yml|3|unknown key 'a:1:b'|"}));
}

TEST(ConfigErrors, ShowEachMistakeOfAMessage) {
  EXPECT_EQ(Labels({"a.yml:1:2: one\na.yml:2:2: two", "b.yml:7: three\n"}),
            std::vector<std::string>({"a.yml|1|one|", "a.yml|2|two|", "b.yml|7|three|"}));
}

TEST(ConfigErrors, WithoutAPlaceAreReasonsAlone) {
  EXPECT_EQ(Labels({"there is no collector 'databse'"}),
            std::vector<std::string>({"||there is no collector 'databse'|"}));
}

TEST(ConfigErrors, NameTheFileThatCannotBeRead) {
  const std::string denied = "user collectors: cannot read /etc/a: b.yml: Permission denied";
  EXPECT_EQ(Labels({denied}), std::vector<std::string>({"/etc/a: b.yml||" + denied + "|"}));
}

TEST(ConfigErrors, AreNotThereWhenAllIsWell) { EXPECT_TRUE(Labels({}).empty()); }

TEST(ConfigErrors, AreBounded) {
  std::vector<std::string> messages(80, "a.yml:1:1: wrong");
  const std::vector<std::string> rows = Labels(messages);
  ASSERT_EQ(rows.size(), 51U);
  EXPECT_EQ(rows.back(), "||30 more, which the log tells|");

  const std::string umlauts = "\xC3\xA4";
  std::string text = "x";
  for (int i = 0; i < 1000; ++i) text += umlauts;
  const std::string row = Labels({"a.yml:1:1: " + text}).front();
  EXPECT_LT(row.size(), 320U);
  EXPECT_TRUE(row.ends_with(umlauts + "...|")) << row;
}

}  // namespace
}  // namespace pgbeacon::metrics
