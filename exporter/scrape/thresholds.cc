#include "exporter/scrape/thresholds.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "base/embedded.h"
#include "base/yaml.h"
#include "exporter/scrape/measures.h"

namespace pgbeacon {

extern const EmbeddedFile kThresholdsFile[];
extern const std::size_t kThresholdsFileCount;

namespace scrape {
namespace {

std::optional<CheckStatus> StatusOf(const std::string& severity) {
  if (severity == "warning") return CheckStatus::kWarning;
  if (severity == "critical") return CheckStatus::kCritical;
  return std::nullopt;  // a mark on a time line
}

/// A level that rests on a trend is as bad without it only where it says so (`ratio`), and before
/// that a warning.
std::vector<Level> WithoutTrend(Level level) {
  if (!level.more.contains("seconds")) return {std::move(level)};
  const auto ratio = level.more.find("ratio");
  if (ratio == level.more.end()) return {};
  Level warning = level;
  warning.status = CheckStatus::kWarning;
  level.value = ratio->second;
  level.more.clear();
  warning.more.clear();
  return {std::move(warning), std::move(level)};
}

void ReadLevels(YamlMap& check, Threshold& threshold) {
  for (YamlMap& map : check.Maps("levels")) {
    Level level;
    level.alert = map.Require("alert");
    const std::optional<CheckStatus> status = StatusOf(map.Require("severity"));
    level.value = map.Number("value").value_or(0);
    if (std::optional<YamlMap> more = map.Map("more")) {
      for (const auto& [key, member] : more->value().members) {
        if (const auto number = more->Number(key)) level.more[key] = *number;
      }
      more->Finish();
    }
    for (const char* key : {"for", "keep", "why"}) map.String(key);
    map.Finish();
    if (!status) continue;
    level.status = *status;
    for (Level& judged : WithoutTrend(std::move(level))) {
      threshold.levels.push_back(std::move(judged));
    }
  }
}

Threshold ReadThreshold(const std::string& name, YamlMap& map, bool& of_log) {
  Threshold threshold;
  threshold.check = name;
  threshold.family = map.Require("family");
  threshold.metric = map.Require("metric");
  threshold.unit = map.Require("unit");
  const std::string bad = map.Choice("bad", {"above", "below", "equal"}).value_or("above");
  threshold.bad = bad == "below" ? Bad::kBelow : bad == "equal" ? Bad::kEqual : Bad::kAbove;
  of_log = map.Choice("source", {"log", "statistics"}).value_or("statistics") == "log";
  map.Strings("signs");  // what alerts look for in the log
  ReadLevels(map, threshold);
  map.Finish();
  return threshold;
}

bool Beyond(Bad bad, double value, double limit) {
  if (bad == Bad::kBelow) return value < limit;
  return bad == Bad::kEqual ? value == limit : value > limit;
}

bool IsBad(const Threshold& threshold, const Level& level, const Found& found) {
  if (!Beyond(threshold.bad, found.value, level.value)) return false;
  return std::ranges::all_of(level.more, [&found](const auto& more) {
    const auto value = found.more.find(more.first);
    return value == found.more.end() || value->second > more.second;
  });
}

/// The worst level that one of the figures has reached; null: none.
struct Verdict {
  const Level* level = nullptr;
  const Found* found = nullptr;
};

Verdict Worst(const Threshold& threshold, const std::vector<Found>& figures) {
  Verdict worst;
  const auto further = [&threshold](const Found& a, const Found& b) {
    return threshold.bad == Bad::kBelow ? a.value < b.value : a.value > b.value;
  };
  for (const Found& found : figures) {
    const Level* level = nullptr;
    for (const Level& candidate : threshold.levels) {
      const bool worse = level == nullptr || candidate.status > level->status;
      if (worse && IsBad(threshold, candidate, found)) level = &candidate;
    }
    const int rank = level ? static_cast<int>(level->status) : -1;
    const int before = worst.level ? static_cast<int>(worst.level->status) : -1;
    const bool first = worst.found == nullptr;
    if (!first && (rank < before || (rank == before && !further(found, *worst.found)))) continue;
    worst = {level, &found};
  }
  return worst;
}

std::string Text(const Threshold& threshold, const Found& found) {
  const std::string value = threshold.unit == "state"
                                ? threshold.metric + " is " + InUnit(found.value, "count")
                                : InUnit(found.value, threshold.unit);
  return found.where.empty() ? value : value + " (" + found.where + ")";
}

CheckResult Judge(const Threshold& threshold, const std::vector<Found>& figures) {
  CheckResult result;
  result.name = threshold.check;
  const Verdict worst = Worst(threshold, figures);
  if (worst.found == nullptr) {
    result.status = CheckStatus::kOk;
    result.output = "none";
    return result;
  }
  result.output = Text(threshold, *worst.found);
  result.status = worst.level ? worst.level->status : CheckStatus::kOk;
  if (worst.level == nullptr) return result;
  constexpr const char* kWords[] = {"above", "below", "equal to"};
  if (threshold.unit != "state") {
    result.output += std::string(", ") + kWords[static_cast<int>(threshold.bad)] + " " +
                     InUnit(worst.level->value, threshold.unit);
  }
  result.output += " [" + worst.level->alert + "]";
  return result;
}

CheckResult Unknown(const std::string& check, std::string why) {
  CheckResult result;
  result.name = check;
  result.output = std::move(why);
  return result;
}

}  // namespace

Result<Thresholds> ReadThresholds(std::string_view text, const std::string& file) {
  YamlErrors errors;
  YamlMap root = ReadYaml(text, file, errors);
  root.StringMap("families");
  Thresholds thresholds;
  for (auto& [name, map] : root.NamedMaps("checks")) {
    bool of_log = false;
    Threshold threshold = ReadThreshold(name, map, of_log);
    const bool judged = !of_log && !threshold.levels.empty() && FindMeasure(name) != nullptr;
    if (judged) thresholds.push_back(std::move(threshold));
  }
  root.Finish();
  if (!errors.empty()) return errors.ToError();
  return thresholds;
}

Result<Thresholds> BuiltinThresholds() {
  const EmbeddedFile& file = std::span(kThresholdsFile, kThresholdsFileCount).front();
  return ReadThresholds(file.text, std::string(file.name));
}

std::vector<Suite> JudgeThresholds(const Thresholds& thresholds, const Families& page,
                                   double now_unix) {
  std::vector<Suite> suites;
  for (const Threshold& threshold : thresholds) {
    const Measure* measure = FindMeasure(threshold.check);
    if (measure == nullptr) continue;
    const std::vector<Found> figures = measure->find({page, threshold.metric, now_unix});
    CheckResult result;
    if (figures.empty()) {
      const std::optional<bool> ran = CollectorRan(page, measure->collector);
      if (!ran) continue;
      result = *ran ? Judge(threshold, figures)
                    : Unknown(threshold.check,
                              std::string("collector ") + measure->collector + " gave no answer");
    } else {
      result = Judge(threshold, figures);
    }
    auto suite = std::ranges::find(suites, threshold.family, &Suite::name);
    if (suite == suites.end()) {
      Suite added;
      added.name = threshold.family;
      suite = suites.insert(suites.end(), std::move(added));
    }
    suite->checks.push_back(std::move(result));
  }
  for (Suite& suite : suites) suite.status = WorstOf(suite.checks);
  return suites;
}

}  // namespace scrape
}  // namespace pgbeacon
