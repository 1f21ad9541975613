#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "exporter/cli/commands.h"
#include "exporter/cli/one_shot.h"
#include "exporter/cli/table.h"
#include "exporter/pg/conninfo.h"
#include "exporter/scrape/checks.h"
#include "exporter/scrape/host.h"

namespace pgbeacon::cli {
namespace {

using scrape::CheckStatus;
using scrape::Suite;

const char* Mark(CheckStatus status) {
  constexpr const char* kMarks[] = {"[\xE2\x9C\x93]", "[!]", "[\xE2\x9C\x97]", "[?]"};
  return kMarks[static_cast<int>(status)];
}

std::string Colored(CheckStatus status) {
  const char* name = scrape::CheckStatusName(status);
  if (!WantsColor()) return name;
  constexpr int kColors[] = {32, 33, 31, 35};
  return fmt::format("\x1b[{}m{}\x1b[0m", kColors[static_cast<int>(status)], name);
}

void PrintTable(const std::vector<Suite>& suites, const std::string& server) {
  std::vector<TableRow> rows;
  for (const Suite& suite : suites) {
    std::string output;
    for (const scrape::CheckResult& check : suite.checks) {
      output += (output.empty() ? "" : "\n");
      output += fmt::format("{} {}: {}", Mark(check.status), check.name, check.output);
    }
    rows.push_back({suite.name, Colored(suite.status), server, "just now", output});
  }
  std::fputs(FormatTable({"NAME", "STATUS", "SERVER", "LAST UPDATED", "OUTPUT"}, rows).c_str(),
             stdout);
}

void PrintJson(const std::vector<Suite>& suites, const std::string& server) {
  boost::json::array out;
  for (const Suite& suite : suites) {
    boost::json::array checks;
    for (const scrape::CheckResult& check : suite.checks) {
      checks.push_back(boost::json::object{{"name", check.name},
                                           {"status", scrape::CheckStatusName(check.status)},
                                           {"output", check.output}});
    }
    out.push_back(boost::json::object{{"name", suite.name},
                                      {"status", scrape::CheckStatusName(suite.status)},
                                      {"server", server},
                                      {"checks", std::move(checks)}});
  }
  std::puts(boost::json::serialize(out).c_str());
}

/// The worst known status; unknown only when nothing is known.
int ExitStatus(const std::vector<Suite>& suites) {
  int worst = static_cast<int>(CheckStatus::kUnknown);
  for (const Suite& suite : suites) {
    const int status = static_cast<int>(suite.status);
    if (suite.status == CheckStatus::kUnknown) continue;
    if (worst == static_cast<int>(CheckStatus::kUnknown) || status > worst) worst = status;
  }
  return worst;
}

net::awaitable<int> Check(const Setup& setup, Output output, scrape::Target& target,
                          TimePoint deadline) {
  std::string data_directory = "/";
  target.OnFacts([&](const collectors::ServerFacts& facts) {
    const auto found = facts.settings.find("data_directory");
    if (found != facts.settings.end()) data_directory = found->second;
  });
  const Families page = co_await target.Scrape(deadline);
  std::optional<collectors::Host> host;
  if (pg::IsLocal(setup.config.target->conninfo)) host = scrape::ReadHost(data_directory);
  const std::vector<Suite> suites = scrape::RunChecks(page, host);
  if (output == Output::kJson) {
    PrintJson(suites, target.name());
  } else {
    PrintTable(suites, target.name());
  }
  co_return ExitStatus(suites);
}

}  // namespace

int RunCheck(Setup& setup, Output output) {
  return RunOneShot(setup, kUnknownStatus, [&](scrape::Target& target, TimePoint deadline) {
    return Check(setup, output, target, deadline);
  });
}

}  // namespace pgbeacon::cli
