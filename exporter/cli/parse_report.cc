#include "exporter/cli/parse_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <limits>

#include "base/families.h"
#include "base/text.h"
#include "exporter/cli/json.h"

namespace pgbeacon::cli {
namespace {

constexpr std::size_t kMostRows = 20;  // of a section in the summary for people

using Row = ParseReport::Row;

std::string LabelOf(const ClientMetric& sample, std::string_view name) {
  for (const auto& label : sample.label) {
    if (label.name == name) return label.value;
  }
  return {};
}

/// What a counter family counted by these labels, summed over its others.
std::vector<Row> Rows(const Families& families, std::string_view family,
                      const std::vector<const char*>& labels) {
  std::vector<Row> rows;
  const auto found = std::ranges::find(families, family, &Family::name);
  if (found == families.end()) return rows;
  for (const ClientMetric& sample : found->metric) {
    Row row;
    row.count = static_cast<std::uint64_t>(sample.counter.value);
    if (row.count == 0) continue;
    for (const char* label : labels) row.names.push_back(LabelOf(sample, label));
    const auto same = std::ranges::find(rows, row.names, &Row::names);
    if (same != rows.end()) {
      same->count += row.count;
    } else {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::vector<Row> ByCount(std::vector<Row> rows) {
  std::ranges::stable_sort(rows, std::greater<>(), &Row::count);
  return rows;
}

std::vector<Row> BySeverity(std::vector<Row> rows) {
  std::ranges::stable_sort(rows, {},
                           [](const Row& row) { return log::ParseSeverity(row.names[0]); });
  return rows;
}

std::vector<ParseReport::Durations> DurationsOf(const Families& families) {
  std::vector<ParseReport::Durations> all;
  const auto found =
      std::ranges::find(families, "pg_log_statement_duration_seconds", &Family::name);
  if (found == families.end()) return all;
  for (const ClientMetric& sample : found->metric) {
    if (sample.histogram.sample_count == 0) continue;
    const std::string kind = LabelOf(sample, "kind");
    auto durations = std::ranges::find(all, kind, &ParseReport::Durations::kind);
    if (durations == all.end()) durations = all.insert(all.end(), {.kind = kind});
    durations->count += sample.histogram.sample_count;
    durations->sum_seconds += sample.histogram.sample_sum;
    durations->buckets.resize(sample.histogram.bucket.size());
    for (std::size_t i = 0; i < durations->buckets.size(); ++i) {
      durations->buckets[i].first = sample.histogram.bucket[i].upper_bound;
      durations->buckets[i].second += sample.histogram.bucket[i].cumulative_count;
    }
  }
  return all;
}

double Share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string Milliseconds(double seconds) {
  return std::isinf(seconds) ? "more" : fmt::format("{:.3f}", seconds * 1000);
}

/// Lines of the summary: aligned cells under a heading.
class Summary {
 public:
  explicit Summary(bool color) : color_(color) {}

  void Heading(const std::string& text) {
    out += color_ ? "\n\x1b[1m" + text + "\x1b[0m\n" : "\n" + text + "\n";
  }
  void Fact(const std::string& name, const std::string& value) {
    out += fmt::format("{:<12} {}\n", name, value);
  }
  /// Rows of one section: the names, padded, then the count.
  void Section(const std::string& heading, const std::vector<Row>& rows) {
    if (rows.empty()) return;
    Heading(heading);
    std::vector<std::size_t> widths(rows.front().names.size());
    for (const Row& row : rows) {
      for (std::size_t i = 0; i < widths.size(); ++i) {
        widths[i] = std::max(widths[i], row.names[i].size());
      }
    }
    for (std::size_t i = 0; i < std::min(rows.size(), kMostRows); ++i) {
      std::string line = fmt::format("{:>12} ", rows[i].count);
      for (std::size_t name = 0; name < widths.size(); ++name) {
        line += fmt::format(" {:<{}}", rows[i].names[name], widths[name]);
      }
      out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    if (rows.size() > kMostRows) out += fmt::format("{:>12}  more\n", rows.size() - kMostRows);
  }

  std::string out;

 private:
  bool color_;
};

boost::json::array ToJson(const std::vector<Row>& rows, const std::vector<const char*>& keys) {
  boost::json::array array;
  for (const Row& row : rows) {
    boost::json::object object;
    for (std::size_t i = 0; i < keys.size(); ++i) object[keys[i]] = ToUtf8(row.names[i]);
    object["count"] = row.count;
    array.push_back(std::move(object));
  }
  return array;
}

boost::json::object UnparsedJson(const log::ReaderStats& stats) {
  boost::json::object object;
  for (std::size_t i = 0; i < stats.unparsed.size(); ++i) {
    object[log::UnparsedName(static_cast<log::Unparsed>(i))] = stats.unparsed[i];
  }
  return object;
}

boost::json::array DurationsJson(const std::vector<ParseReport::Durations>& all) {
  boost::json::array array;
  for (const ParseReport::Durations& durations : all) {
    boost::json::array buckets;
    for (const auto& [bound, count] : durations.buckets) {
      if (std::isinf(bound)) continue;
      buckets.push_back(boost::json::object{{"le", bound}, {"count", count}});
    }
    array.push_back(boost::json::object{{"kind", durations.kind},
                                        {"count", durations.count},
                                        {"sum_seconds", durations.sum_seconds},
                                        {"buckets", std::move(buckets)}});
  }
  return array;
}

}  // namespace

double ParseReport::Durations::Quantile(double share) const {
  const double rank = share * static_cast<double>(count);
  for (const auto& [bound, cumulative] : buckets) {
    if (static_cast<double>(cumulative) >= rank) return bound;
  }
  return std::numeric_limits<double>::infinity();
}

ParseReport::ParseReport(const ingest::Batch& batch, double seconds)
    : stats(batch.stats()),
      seconds(seconds),
      form(batch.form()),
      envelope(batch.envelope()),
      prefix(batch.prefix()),
      first_time(batch.first_time()),
      last_time(batch.last_time()) {
  const Families families = batch.tally().Collect(0);
  severities = BySeverity(Rows(families, "pg_log_messages_total", {"severity"}));
  databases = ByCount(Rows(families, "pg_log_messages_total", {"datname"}));
  std::erase_if(databases, [](const Row& row) { return row.names[0].empty(); });
  for (const log::Tally::EventCount& event : batch.tally().Events()) {
    if (event.count > 0) events.push_back({{event.event, event.event_class}, event.count});
  }
  events = ByCount(std::move(events));
  errors = ByCount(Rows(families, "pg_log_errors_total", {"severity", "sqlstate"}));
  client_errors = ByCount(Rows(families, "pg_client_log_errors_total", {"severity", "sqlstate"}));
  platform = ByCount(Rows(families, "platform_log_events_total", {"event", "code"}));
  durations = DurationsOf(families);
}

std::string FormatReport(const ParseReport& report, bool color) {
  Summary summary(color);
  const log::ReaderStats& stats = report.stats;
  summary.Fact("lines", fmt::format("{}", stats.lines));
  summary.Fact("bytes", fmt::format("{}", stats.bytes));
  summary.Fact("messages", fmt::format("{}", stats.messages));
  std::string unparsed;
  for (std::size_t i = 0; i < stats.unparsed.size(); ++i) {
    if (stats.unparsed[i] == 0) continue;
    unparsed += fmt::format("{}{} {}", unparsed.empty() ? "" : ", ", stats.unparsed[i],
                            log::UnparsedName(static_cast<log::Unparsed>(i)));
  }
  summary.Fact("unparsed", unparsed.empty() ? "0" : unparsed);
  if (stats.truncated > 0) summary.Fact("truncated", fmt::format("{}", stats.truncated));
  const std::string form(report.form == log::FormKind::kAuto ? "unknown"
                                                             : log::FormName(report.form));
  summary.Fact("form", report.envelope.empty() ? form : form + " in " + report.envelope);
  if (report.prefix) {
    const double ratio = Share(stats.prefix_matched, stats.prefix_tried);
    summary.Fact("prefix", fmt::format("'{}' fits {:.1f} %", *report.prefix, ratio * 100));
  }
  if (!report.first_time.empty()) {
    summary.Fact("time", report.first_time + " to " + report.last_time);
  }
  summary.Fact("read in", fmt::format("{:.2f} s, {:.0f} lines/s", report.seconds,
                                      static_cast<double>(stats.lines) / report.seconds));
  summary.Section("Messages by severity", report.severities);
  summary.Section("Messages by database", report.databases);
  summary.Section("Events", report.events);
  summary.Section("Errors by SQLSTATE", report.errors);
  summary.Section("Errors as clients print them", report.client_errors);
  summary.Section("Platform", report.platform);
  if (!report.durations.empty()) {
    summary.Heading("Durations of logged statements, in ms");
    summary.out += fmt::format("{:>12}  {:<9} {:>12} {:>12} {:>12} {:>12}\n", "statements", "kind",
                               "mean", "p50 <=", "p95 <=", "p99 <=");
    for (const ParseReport::Durations& durations : report.durations) {
      summary.out += fmt::format(
          "{:>12}  {:<9} {:>12} {:>12} {:>12} {:>12}\n", durations.count, durations.kind,
          Milliseconds(durations.sum_seconds / static_cast<double>(durations.count)),
          Milliseconds(durations.Quantile(0.5)), Milliseconds(durations.Quantile(0.95)),
          Milliseconds(durations.Quantile(0.99)));
    }
  }
  return std::move(summary.out);
}

std::string ReportJson(const ParseReport& report, const std::vector<std::string>& files) {
  const log::ReaderStats& stats = report.stats;
  boost::json::object object;
  boost::json::array names;
  for (const std::string& file : files) names.emplace_back(ToUtf8(file));
  object["files"] = std::move(names);
  object["lines"] = stats.lines;
  object["bytes"] = stats.bytes;
  object["messages"] = stats.messages;
  object["unparsed"] = UnparsedJson(stats);
  object["truncated"] = stats.truncated;
  if (report.form != log::FormKind::kAuto) object["form"] = log::FormName(report.form);
  if (!report.envelope.empty()) object["envelope"] = report.envelope;
  if (report.prefix) {
    object["prefix"] = ToUtf8(*report.prefix);
    object["prefix_match_ratio"] = Share(stats.prefix_matched, stats.prefix_tried);
  }
  if (!report.first_time.empty()) {
    object["time"] = boost::json::object{{"first", ToUtf8(report.first_time)},
                                         {"last", ToUtf8(report.last_time)}};
  }
  object["seconds"] = report.seconds;
  object["severities"] = ToJson(report.severities, {"severity"});
  object["databases"] = ToJson(report.databases, {"database"});
  object["events"] = ToJson(report.events, {"event", "class"});
  object["errors"] = ToJson(report.errors, {"severity", "sqlstate"});
  object["client_errors"] = ToJson(report.client_errors, {"severity", "sqlstate"});
  object["platform"] = ToJson(report.platform, {"event", "code"});
  object["durations"] = DurationsJson(report.durations);
  std::string out;
  AppendJson(object, out);
  return out + "\n";
}

}  // namespace pgbeacon::cli
