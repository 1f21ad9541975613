// What a FileSource tells of itself.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>

#include "exporter/ingest/file_source.h"
#include "exporter/ingest/reader_stats.h"

namespace pgbeacon::ingest {
namespace {

/// Before that many lines were tried, a bad match says nothing about a prefix.
constexpr std::uint64_t kLinesToJudge = 100;

}  // namespace

/// Warns once about a prefix that most lines do not have.
void FileSource::CheckPrefix() {
  log::ReaderStats since = status_.stats;
  Subtract(since, at_prefix_);
  status_.match_ratio.reset();
  if (since.prefix_tried > 0) {
    status_.match_ratio =
        static_cast<double>(since.prefix_matched) / static_cast<double>(since.prefix_tried);
  }
  if (prefix_warned_) return;
  if (since.unlabelled >= kLinesToJudge && since.unlabelled * 2 > since.messages) {
    prefix_warned_ = true;
    spdlog::warn(
        "source={}: most lines do not look like PostgreSQL's log (no severity such as LOG: or "
        "ERROR:); check --source.file, and give --source.prefix if it is one",
        options_.name);
    return;
  }
  if (since.prefix_tried < kLinesToJudge || *status_.match_ratio >= 0.5) return;
  prefix_warned_ = true;
  std::string prefix = prefix_.value_or("");
  for (const auto& tracked : files_) {
    const log::Reader* reader = tracked->reading.reader();
    if (!prefix_ && reader != nullptr) prefix = reader->prefix().value_or(prefix);
  }
  spdlog::warn(
      "source={}: log_line_prefix '{}' fits {:.0f} % of {} lines; set --source.prefix to the value "
      "that SHOW log_line_prefix gives on the server that wrote this log",
      options_.name, prefix, *status_.match_ratio * 100, since.prefix_tried);
}

log::ReaderStats FileSource::Totals() const {
  log::ReaderStats totals = closed_;
  for (const auto& tracked : files_) {
    if (const log::Reader* reader = tracked->reading.reader()) Add(totals, reader->stats());
  }
  return totals;
}

void FileSource::Publish(TimePoint now) {
  status_.stats = Totals();
  status_.lag_bytes = 0;
  status_.lag_seconds = 0;
  status_.catching_up = false;
  for (const auto& tracked : files_) {
    const FileFollower& follower = tracked->follower;
    status_.lag_bytes += follower.lag();
    status_.catching_up |= follower.catching_up();
    if (follower.lag() > 0) {
      status_.lag_seconds = std::max(status_.lag_seconds, Seconds(now - follower.caught_up_at()));
    }
  }
  if (status_.catching_up) history_until_ = std::max(history_until_, now + kHistory);
  status_.catching_up = now < history_until_;
  CheckPrefix();
}

void FileSource::WarnOnce(const std::string& path, const std::string& message) {
  if (warned_.insert(path).second) spdlog::warn("source={}: {}", options_.name, message);
}

}  // namespace pgbeacon::ingest
