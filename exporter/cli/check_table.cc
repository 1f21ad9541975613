#include "exporter/cli/check_table.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "exporter/cli/json.h"
#include "exporter/cli/table.h"

namespace pgbeacon::cli {
namespace {

using scrape::CheckStatus;
using scrape::Suite;

const char* Mark(CheckStatus status) {
  constexpr const char* kMarks[] = {"[\xE2\x9C\x93]", "[!]", "[\xE2\x9C\x97]", "[?]"};
  return kMarks[static_cast<int>(status)];
}

std::string StatusText(CheckStatus status, bool color) {
  const char* name = scrape::CheckStatusName(status);
  if (!color) return name;
  constexpr int kColors[] = {32, 33, 31, 35};
  return fmt::format("\x1b[{}m{}\x1b[0m", kColors[static_cast<int>(status)], name);
}

/// "just now", "12s ago", "1m50s ago", "3h2m ago"
std::string Ago(double seconds) {
  const auto whole = std::llround(seconds);
  if (whole < 1) return "just now";
  if (whole < 60) return fmt::format("{}s ago", whole);
  if (whole < 3600) return fmt::format("{}m{}s ago", whole / 60, whole % 60);
  return fmt::format("{}h{}m ago", whole / 3600, whole / 60 % 60);
}

/// What stands in one line of a table.
std::string OneLine(const std::string& text) {
  std::string line = ToUtf8(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return line;
}

}  // namespace

std::string ChecksTable(const std::vector<JudgedTarget>& targets, bool color) {
  std::vector<TableRow> rows;
  for (const JudgedTarget& judged : targets) {
    const std::string target = OneLine(judged.target);
    if (!judged.age_seconds) {
      rows.push_back({"-", StatusText(CheckStatus::kUnknown, color), target, "never",
                      std::string(Mark(CheckStatus::kUnknown)) + " not asked yet"});
      continue;
    }
    for (const Suite& suite : judged.suites) {
      std::string output;
      for (const scrape::CheckResult& check : suite.checks) {
        output += (output.empty() ? "" : "\n");
        output += fmt::format("{} {}: {}", Mark(check.status), check.name, OneLine(check.output));
      }
      rows.push_back({suite.name, StatusText(suite.status, color), target, Ago(*judged.age_seconds),
                      std::move(output)});
    }
  }
  return FormatTable({"NAME", "STATUS", "TARGET", "LAST UPDATED", "OUTPUT"}, rows);
}

std::string ChecksJson(const std::vector<JudgedTarget>& targets) {
  boost::json::array out;
  const auto add = [&out](const JudgedTarget& judged, const std::string& name, CheckStatus status,
                          boost::json::array checks) {
    boost::json::object row{{"name", name},
                            {"status", scrape::CheckStatusName(status)},
                            {"target", ToUtf8(judged.target)},
                            {"age_seconds", nullptr},
                            {"checks", std::move(checks)}};
    if (judged.age_seconds) row["age_seconds"] = std::round(*judged.age_seconds * 1000) / 1000;
    out.push_back(std::move(row));
  };
  for (const JudgedTarget& judged : targets) {
    if (!judged.age_seconds) add(judged, "-", CheckStatus::kUnknown, {});
    for (const Suite& suite : judged.suites) {
      boost::json::array checks;
      for (const scrape::CheckResult& check : suite.checks) {
        checks.push_back(boost::json::object{{"name", check.name},
                                             {"status", scrape::CheckStatusName(check.status)},
                                             {"output", ToUtf8(check.output)}});
      }
      add(judged, suite.name, suite.status, std::move(checks));
    }
  }
  std::string text;
  AppendJson(out, text);
  return text;
}

}  // namespace pgbeacon::cli
