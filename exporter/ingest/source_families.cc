#include "exporter/ingest/source_families.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace pgbeacon::ingest {
namespace {

using Value = double (*)(const SourceStatus&);
struct Row {
  const char* name;
  MetricType type;
  const char* help;
  Value value;
};

// clang-format off
constexpr Row kRows[] = {
    {"pgbeacon_source_lines_total", MetricType::Counter, "Lines read from the log source.",
     [](const SourceStatus& s) { return static_cast<double>(s.stats.lines); }},
    {"pgbeacon_source_bytes_total", MetricType::Counter, "Bytes read from the log source.",
     [](const SourceStatus& s) { return static_cast<double>(s.stats.bytes); }},
    {"pgbeacon_source_truncated_records_total", MetricType::Counter,
     "Log records that were cut at the record budget.",
     [](const SourceStatus& s) { return static_cast<double>(s.stats.truncated); }},
    {"pgbeacon_source_lost_bytes_total", MetricType::Counter,
     "Bytes known to have been written to the log source and removed before they were read.",
     [](const SourceStatus& s) { return static_cast<double>(s.lost_bytes); }},
    {"pgbeacon_source_duplicate_messages_total", MetricType::Counter,
     "Messages not counted, for a more telling form of the same server's log has them as well.",
     [](const SourceStatus& s) { return static_cast<double>(s.duplicates); }},
    {"pgbeacon_source_lag_bytes", MetricType::Gauge, "Bytes of the log source that are not yet read.",
     [](const SourceStatus& s) { return static_cast<double>(s.lag_bytes); }},
    {"pgbeacon_source_lag_seconds", MetricType::Gauge,
     "Age of the oldest unread byte of the log source, 0 at its end.",
     [](const SourceStatus& s) { return s.lag_seconds; }},
};
// clang-format on

}  // namespace

void AppendSourceFamilies(const std::vector<NamedStatus>& sources, Families& families) {
  if (sources.empty()) return;
  for (const Row& row : kRows) {
    Family& family = AddFamily(families, row.name, row.type, row.help);
    for (const auto& [source, server, status] : sources) {
      AddSample(family, {{"source", source}}, row.value(status));
    }
  }
  Family& catching_up = AddFamily(
      families, "pgbeacon_source_catching_up", MetricType::Gauge,
      "1 until two minutes after the log source was read up to where it stood at the start; server "
      "is empty for a source of several.");
  for (const auto& [source, server, status] : sources) {
    AddSample(catching_up, {{"source", source}, {"server", server}}, status.catching_up ? 1 : 0);
  }
  Family& unparsed =
      AddFamily(families, "pgbeacon_source_unparsed_lines_total", MetricType::Counter,
                "Lines of the log source that gave no message, by reason.");
  for (const auto& [source, server, status] : sources) {
    for (std::size_t i = 0; i < status.stats.unparsed.size(); ++i) {
      const auto reason = std::string(log::UnparsedName(static_cast<log::Unparsed>(i)));
      AddSample(unparsed, {{"source", source}, {"reason", reason}},
                static_cast<double>(status.stats.unparsed[i]));
    }
    AddSample(unparsed, {{"source", source}, {"reason", "bad_frame"}},
              static_cast<double>(status.bad_frames));
  }
  Family& dropped = AddFamily(families, "pgbeacon_source_dropped_lines_total", MetricType::Counter,
                              "Lines of the log source that were lost unread, by reason.");
  for (const auto& [source, server, status] : sources) {
    for (std::size_t i = 0; i < status.dropped.size(); ++i) {
      AddSample(dropped, {{"source", source}, {"reason", std::string(kDroppedNames[i])}},
                static_cast<double>(status.dropped[i]));
    }
  }
  Family& ratio = AddFamily(families, "pgbeacon_source_prefix_match_ratio", MetricType::Gauge,
                            "Share of the lines tried that log_line_prefix fits.");
  for (const auto& [source, server, status] : sources) {
    if (status.match_ratio) AddSample(ratio, {{"source", source}}, *status.match_ratio);
  }
  Family& open = AddFamily(families, "pgbeacon_source_open_bytes", MetricType::Gauge,
                           "Memory of the network source's records that may not be complete yet.");
  std::map<std::string, std::uint64_t> over_quota;
  for (const auto& [source, server, status] : sources) {
    if (status.open_bytes) {
      AddSample(open, {{"source", source}}, static_cast<double>(*status.open_bytes));
    }
    for (const auto& [server, lines] : status.over_quota) over_quota[server] += lines;
  }
  Family& over = AddFamily(families, "pgbeacon_server_over_quota_lines_total", MetricType::Counter,
                           "Lines of a server that were dropped, for it sent more than its quota.");
  for (const auto& [server, lines] : over_quota) {
    AddSample(over, {{"server", server}}, static_cast<double>(lines));
  }
}

}  // namespace pgbeacon::ingest
