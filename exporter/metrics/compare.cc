#include "exporter/metrics/compare.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "exporter/metrics/expected.h"

#include <fmt/format.h>

namespace pgbeacon::metrics {
namespace {

constexpr std::string_view kOwn[] = {"go_",
                                     "process_",
                                     "promhttp_",
                                     "pg_exporter_",
                                     "postgres_exporter_",
                                     "pgbeacon_",
                                     "pg_scrape_collector_duration_seconds"};
constexpr double kTolerance = 0.01;  // of the larger value
constexpr const char* kOrder[] = {"missing", "type", "labels", "series", "value"};

bool IsOwn(std::string_view name) {
  return std::ranges::any_of(kOwn, [name](std::string_view own) { return name.starts_with(own); });
}

std::string LabelNames(const Exposition& page, const std::string& name) {
  const auto names = page.labels.find(name);
  if (names == page.labels.end()) return "";
  return Join({names->second.begin(), names->second.end()}, ",");
}

std::string Text(const LabelSet& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += (out.empty() ? "{" : ",") + name + "=\"" + value + "\"";
  }
  return out.empty() ? "" : out + "}";
}

/// What the exporter there makes of NULL.
bool IsUnset(double value) { return value == 0 || std::isnan(value); }

/// Whether a value is what theirs was, is, or passed through.
bool Agrees(double before, double after, double ours) {
  if (std::isnan(ours)) return std::isnan(before) || std::isnan(after);
  if (ours == before || ours == after) return true;
  const double slack = kTolerance * std::max(std::fabs(before), std::fabs(after));
  return ours >= std::min(before, after) - slack && ours <= std::max(before, after) + slack;
}

/// The differences of one name's series: those of one kind together, those that are expected for
/// one reason apart.
class Found {
 public:
  explicit Found(const std::string& name) : name_(name) {}

  void Add(const char* kind, const LabelSet& labels, std::string theirs, std::string ours,
           bool unset = false) {
    const Expected* row = FindExpected(name_, unset ? "unset" : kind, labels);
    if (row == nullptr && unset) row = FindExpected(name_, kind, labels);
    const auto counted = found_.find({kind, row});
    if (row != nullptr && counted != found_.end() && counted->second.series == row->most) {
      row = nullptr;
    }
    const auto [place, added] = found_.try_emplace({kind, row});
    Difference& difference = place->second;
    ++difference.series;
    if (!added) return;
    difference.name = name_;
    difference.kind = kind;
    difference.theirs = std::move(theirs);
    difference.ours = std::move(ours);
    if (row != nullptr) difference.expected = row->reason;
  }

  void MoveTo(std::vector<Difference>& differences) {
    for (auto& [key, difference] : found_) differences.push_back(std::move(difference));
  }

 private:
  const std::string& name_;
  std::map<std::pair<std::string_view, const Expected*>, Difference> found_;
};

/// Appends what one name's series differ in; counts those of equal value.
void CompareSeries(const std::string& name, const Around& theirs,
                   const std::map<LabelSet, double>& ours, Comparison& out) {
  Found differences(name);
  const auto then = theirs.before.series.find(name);
  for (const auto& [labels, after] : theirs.after.series.at(name)) {
    ++out.series;
    const auto found = ours.find(labels);
    const bool stays = then != theirs.before.series.end() && then->second.contains(labels);
    if (found == ours.end()) {
      if (stays) differences.Add("series", labels, Text(labels), "", IsUnset(after));
      continue;
    }
    const double before = stays ? then->second.at(labels) : after;
    if (Agrees(before, after, found->second)) {
      ++out.same;
    } else {
      differences.Add("value", labels, fmt::format("{} {}", Text(labels), after),
                      fmt::format("{}", found->second));
    }
  }
  differences.MoveTo(out.differences);
}

}  // namespace

Comparison Compare(const Around& theirs, const Exposition& ours) {
  Comparison out;
  for (const auto& [name, series] : theirs.after.series) {
    if (IsOwn(name)) continue;
    ++out.names;
    const auto found = ours.series.find(name);
    if (found == ours.series.end()) {
      out.series += series.size();
      const Expected* const row =
          std::ranges::all_of(series, [](const auto& one) { return IsUnset(one.second); })
              ? FindExpected(name, "unset", {})
              : nullptr;
      out.differences.push_back(
          {name, "missing", series.size(), "", "", row ? std::string(row->reason) : ""});
      continue;
    }
    const auto add = [&out, &name = name, &series = series](const char* kind, std::string a,
                                                            std::string b) {
      if (a != b) {
        out.differences.push_back({name, kind, series.size(), std::move(a), std::move(b), ""});
      }
    };
    add("type", theirs.after.TypeOf(name), ours.TypeOf(name));
    const std::size_t before = out.differences.size();
    add("labels", LabelNames(theirs.after, name), LabelNames(ours, name));
    if (out.differences.size() == before) {
      CompareSeries(name, theirs, found->second, out);
    } else {
      out.series += series.size();
    }
  }
  for (const auto& [name, series] : ours.series) {
    if (!IsOwn(name) && !theirs.after.series.contains(name)) out.gained.push_back(name);
  }
  std::ranges::stable_sort(out.differences, {}, [](const Difference& one) {
    return std::ranges::find(kOrder, one.kind) - std::begin(kOrder);
  });
  return out;
}

}  // namespace pgbeacon::metrics
