#include "exporter/scrape/namesakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgbeacon::scrape {
namespace {

using ::testing::ElementsAre;

std::string Yaml(const std::string& name, const std::string& head, const std::string& label,
                 const std::string& metric) {
  return "name: " + name + "\ntopic: t\nhelp: h\n" + head +
         "queries: [{from: pg_catalog.things}]\n"
         "columns:\n"
         "  - {col: id, label: " +
         label + "}\n  - {col: v, metric: " + metric + ", help: h}\n";
}

std::vector<std::string> Told(const std::vector<std::string>& files) {
  collectors::Catalogue catalogue;
  for (const std::string& file : files) {
    Result<collectors::Collector> read = collectors::ReadCollector(file, "test.yml");
    EXPECT_TRUE(read.ok());
    read->users = read->search_path == "public";
    EXPECT_TRUE(catalogue.Add(*std::move(read)).ok());
  }
  collectors::ServerFacts facts;
  facts.version_num = 150001;
  const collectors::Plan plan = MakePlan(catalogue, {}, facts);
  std::vector<std::string> told;
  for (const Namesake& one : NamesakesOf(plan)) {
    told.push_back(one.users->name + "/" + one.metric + "/" + one.other->name);
  }
  return told;
}

constexpr const char* kUsers = "search_path: public\n";

TEST(Namesakes, AreUsersMetricsWithNameAndLabelsOfAnotherCollector) {
  EXPECT_THAT(
      Told({Yaml("ours", "", "id", "pg_thing"), Yaml("mine", kUsers, "id", "pg_thing"),
            Yaml("other_labels", kUsers, "name", "pg_thing"),
            Yaml("off", "default: false\n", "id", "pg_off"), Yaml("of_off", kUsers, "id", "pg_off"),
            Yaml("own", kUsers, "id", "own_thing"), Yaml("own_too", kUsers, "id", "own_thing")}),
      ElementsAre("mine/pg_thing/ours", "own_too/own_thing/own"));
}

}  // namespace
}  // namespace pgbeacon::scrape
