// One collector of the test's own, planned for a server.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "collectors/engine/plan.h"

namespace pgbeacon::collectors {

/// A planned collector and what keeps it alive; `head` and `columns` are YAML.
struct Planned {
  explicit Planned(const std::string& columns, const std::string& head = "") {
    Result<Collector> read = ReadCollector(
        "name: t\ntopic: t\nhelp: h\n" + head + "queries: [{sql: SELECT}]\ncolumns:\n" + columns,
        "t.yml");
    EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
    EXPECT_TRUE(catalogue.Add(std::move(read).value()).ok());
    ServerFacts facts;
    facts.version_num = 150001;
    plan = MakePlan(catalogue, {}, facts);
  }

  Catalogue catalogue;
  Plan plan;
};

}  // namespace pgbeacon::collectors
