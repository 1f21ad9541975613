#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "exporter/cli/commands.h"
#include "exporter/cli/one_shot.h"
#include "exporter/cli/table.h"

namespace pgbeacon::cli {
namespace {

using scrape::Explained;

void PrintTable(const std::vector<Explained>& plan) {
  std::vector<TableRow> rows;
  rows.reserve(plan.size());
  for (const Explained& one : plan) {
    rows.push_back({one.collector, one.on ? "on" : "off", one.on ? std::to_string(one.rows) : "",
                    one.on ? std::to_string(one.series) : "",
                    one.on ? fmt::format("{:.1f}", one.seconds * 1000) : "", one.reason});
  }
  std::fputs(FormatTable({"COLLECTOR", "STATE", "ROWS", "SERIES", "MS", "REASON"}, rows).c_str(),
             stdout);
  for (const Explained& one : plan) {
    if (one.on) std::fputs(fmt::format("\n-- {}\n{}\n", one.collector, one.sql).c_str(), stdout);
  }
}

void PrintJson(const std::vector<Explained>& plan) {
  boost::json::array out;
  for (const Explained& one : plan) {
    boost::json::object object{{"collector", one.collector}, {"on", one.on}};
    if (one.on) {
      object["sql"] = one.sql;
      object["rows"] = one.rows;
      object["series"] = one.series;
      object["seconds"] = one.seconds;
    }
    if (!one.reason.empty()) object["reason"] = one.reason;
    out.push_back(std::move(object));
  }
  std::puts(boost::json::serialize(out).c_str());
}

net::awaitable<int> Explain(Output output, scrape::Target& target, TimePoint deadline) {
  const Result<std::vector<Explained>> plan = co_await target.Explain(deadline);
  if (!plan.ok()) {
    std::fputs(fmt::format("pgbeacon: {}: {}\n", target.name(), plan.error().message).c_str(),
               stderr);
    co_return 1;
  }
  if (output == Output::kJson) {
    PrintJson(*plan);
  } else {
    PrintTable(*plan);
  }
  co_return 0;
}

}  // namespace

int RunExplain(Setup& setup, Output output) {
  return RunOneShot(setup, kUsageStatus, [&](scrape::Target& target, TimePoint deadline) {
    return Explain(output, target, deadline);
  });
}

}  // namespace pgbeacon::cli
