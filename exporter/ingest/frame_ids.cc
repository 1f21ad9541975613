#include "exporter/ingest/frame_ids.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace pgbeacon::ingest {
namespace {

std::optional<std::uint64_t> ParseCount(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return count;
}

}  // namespace

std::optional<FrameCount> FrameIds::Begin(std::string_view drain, std::string_view id,
                                          FrameCount frame, double now) {
  Forget(now);
  std::string key = std::string(drain) + " " + std::string(id);
  const auto [at, fresh] = frames_.try_emplace(key, Frame{frame, now});
  if (fresh) {
    order_.push_back(&*at);
    changed_.insert(std::move(key));
    return std::nullopt;
  }
  FrameCount& known = at->second.count;
  const FrameCount before = known;
  known.messages = std::max(known.messages, frame.messages);
  known.lost = std::max(known.lost, frame.lost);
  if (known.messages != before.messages || known.lost != before.lost) {
    changed_.insert(std::move(key));
  }
  return before;
}

/// What is older than the window, and the oldest where room is needed for one more. A clock that
/// was set back makes frames stay longer, no more.
void FrameIds::Forget(double now) {
  if (!ordered_) {
    std::ranges::sort(order_, {}, [](const auto* entry) { return entry->second.time; });
    ordered_ = true;
  }
  while (!order_.empty()) {
    const bool expired = now - order_.front()->second.time > kWindowSeconds;
    if (!expired && frames_.size() < most_) return;
    if (!expired) ++evicted_;
    const std::string key = order_.front()->first;
    order_.pop_front();
    frames_.erase(key);
    changed_.insert(key);
  }
}

void FrameIds::Changes(std::vector<state::Row>& rows) {
  for (const std::string& key : changed_) {
    const std::size_t blank = key.find(' ');
    state::Row row{state::Table::kFrames, key.substr(0, blank), key.substr(blank + 1), {}};
    const auto at = frames_.find(key);
    if (at != frames_.end()) {
      const Frame& frame = at->second;
      row.value = std::to_string(frame.count.messages) + " " + std::to_string(frame.count.lost) +
                  " " + std::to_string(std::llround(frame.time));
    }
    rows.push_back(std::move(row));
  }
  changed_.clear();
}

bool FrameIds::Restore(const state::Row& row) {
  if (!row.value) return false;
  const std::vector<std::string> parts = Split(*row.value, ' ');
  if (parts.size() != 3) return false;
  const auto messages = ParseCount(parts[0]);
  const auto lost = ParseCount(parts[1]);
  const auto time = ParseCount(parts[2]);
  if (!messages || !lost || !time) return false;
  const FrameCount count{*messages, *lost};
  const auto [at, fresh] =
      frames_.try_emplace(row.owner + " " + row.key, Frame{count, static_cast<double>(*time)});
  if (!fresh) return true;
  order_.push_back(&*at);
  ordered_ = false;
  return true;
}

}  // namespace pgbeacon::ingest
