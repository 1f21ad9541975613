#include "exporter/ingest/source_rows.h"

#include <charconv>

namespace pgbeacon::ingest {
namespace {

constexpr std::string_view kOverQuota = "over_quota:";  // and the server

/// Calls `visit(key, counter)` for each counter until one returns true.
template <class Status, class Visit>
bool AnyCounter(Status& status, Visit&& visit) {
  auto& stats = status.stats;
  if (visit("lines", stats.lines) || visit("bytes", stats.bytes) ||
      visit("messages", stats.messages) || visit("unlabelled", stats.unlabelled) ||
      visit("truncated", stats.truncated) || visit("prefix_matched", stats.prefix_matched) ||
      visit("prefix_tried", stats.prefix_tried) || visit("duplicates", status.duplicates) ||
      visit("bad_frames", status.bad_frames) || visit("lost_bytes", status.lost_bytes) ||
      visit("deliveries.new", status.deliveries.fresh) ||
      visit("deliveries.retried", status.deliveries.retried) ||
      visit("deliveries.missing", status.deliveries.missing) ||
      visit("deliveries.surplus", status.deliveries.surplus)) {
    return true;
  }
  for (std::size_t i = 0; i < stats.unparsed.size(); ++i) {
    const auto reason = log::UnparsedName(static_cast<log::Unparsed>(i));
    if (visit("unparsed." + std::string(reason), stats.unparsed[i])) return true;
  }
  for (std::size_t i = 0; i < status.dropped.size(); ++i) {
    if (visit("dropped." + std::string(kDroppedNames[i]), status.dropped[i])) return true;
  }
  return false;
}

}  // namespace

void AppendSourceRows(const std::string& source, const SourceStatus& now,
                      const SourceStatus& before, std::vector<state::Row>& rows) {
  std::vector<std::uint64_t> old;
  AnyCounter(before, [&](const auto&, std::uint64_t value) {
    old.push_back(value);
    return false;
  });
  std::size_t at = 0;
  AnyCounter(now, [&](const std::string& key, std::uint64_t value) {
    if (value != old[at++]) {
      rows.push_back({state::Table::kSources, source, key, std::to_string(value)});
    }
    return false;
  });
  for (const auto& [server, lines] : now.over_quota) {
    const auto known = before.over_quota.find(server);
    if (known != before.over_quota.end() && known->second == lines) continue;
    rows.push_back(
        {state::Table::kSources, source, std::string(kOverQuota) + server, std::to_string(lines)});
  }
}

bool RestoreSourceRow(std::string_view key, std::string_view value, SourceStatus& status) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return false;
  if (key.starts_with(kOverQuota)) {
    status.over_quota[std::string(key.substr(kOverQuota.size()))] = number;
    return true;
  }
  return AnyCounter(status, [&](const std::string& name, std::uint64_t& counter) {
    if (name != key) return false;
    counter = number;
    return true;
  });
}

}  // namespace pgbeacon::ingest
