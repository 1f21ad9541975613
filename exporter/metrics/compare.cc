#include "exporter/metrics/compare.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/text.h"

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

/// Whether a value is what theirs was, is, or passed through.
bool Agrees(double before, double after, double ours) {
  if (std::isnan(ours)) return std::isnan(before) || std::isnan(after);
  if (ours == before || ours == after) return true;
  const double slack = kTolerance * std::max(std::fabs(before), std::fabs(after));
  return ours >= std::min(before, after) - slack && ours <= std::max(before, after) + slack;
}

/// Appends what one name's series differ in; counts those of equal value.
void CompareSeries(const std::string& name, const Around& theirs,
                   const std::map<LabelSet, double>& ours, Comparison& out) {
  Difference missing{.name = name, .kind = "series", .series = 0, .theirs = {}, .ours = {}};
  Difference wrong{.name = name, .kind = "value", .series = 0, .theirs = {}, .ours = {}};
  const auto then = theirs.before.series.find(name);
  for (const auto& [labels, after] : theirs.after.series.at(name)) {
    ++out.series;
    const auto found = ours.find(labels);
    if (found == ours.end()) {
      if (++missing.series == 1) missing.theirs = Text(labels);
      continue;
    }
    double before = after;
    if (then != theirs.before.series.end() && then->second.contains(labels)) {
      before = then->second.at(labels);
    }
    if (Agrees(before, after, found->second)) {
      ++out.same;
    } else if (++wrong.series == 1) {
      wrong.theirs = fmt::format("{} {}", Text(labels), after);
      wrong.ours = fmt::format("{}", found->second);
    }
  }
  for (Difference* one : {&missing, &wrong}) {
    if (one->series > 0) out.differences.push_back(std::move(*one));
  }
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
      out.differences.push_back({name, "missing", series.size(), "", ""});
      continue;
    }
    const auto add = [&out, &name = name, &series = series](const char* kind, std::string a,
                                                            std::string b) {
      if (a != b) {
        out.differences.push_back({name, kind, series.size(), std::move(a), std::move(b)});
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
