// A head is taken from the cache only where Prefix::MatchFast() would find the same one: it decides
// by the bytes up to the label and by whether a label follows. No label can begin before the place
// where the cached one began and end behind it, because a byte that is no letter or digit stands
// right before that place. Tested against Prefix::Match() by
// tests/unit/logparse/head_cache_test.cc.
#include "logparse/head_cache.h"

#include <algorithm>
#include <cstring>

namespace pgbeacon::log {
namespace {

constexpr std::size_t kHashed = 16;  // bytes of a head that choose its place

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) { return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

}  // namespace

/// A field that a head has and an entry remembers.
struct HeadCache::Field {
  std::string_view Head::*in_head;
  Slice Entry::*in_entry;
};

constexpr std::array<HeadCache::Field, 7> HeadCache::kFields = {{
    {&Head::pid, &Entry::pid},
    {&Head::session, &Entry::session},
    {&Head::user, &Entry::user},
    {&Head::database, &Entry::database},
    {&Head::application, &Entry::application},
    {&Head::sqlstate, &Entry::sqlstate},
    {&Head::remote, &Entry::remote},
}};

void HeadCache::Clear() {
  std::vector<Entry>().swap(entries_);
  time_ = {};
}

HeadCache::Entry& HeadCache::EntryAt(const char* bytes) {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::memcpy(&low, bytes, sizeof low);
  std::memcpy(&high, bytes + sizeof low, sizeof high);
  const std::uint64_t hash = (low ^ (high * 0x9E3779B97F4A7C15U)) * 0xD6E8FEB86659FD93U;
  return entries_[hash >> 56];
}

bool HeadCache::Match(const Prefix& prefix, std::string_view line, Head& head) {
  if (!prefix.repeated_from_) return prefix.Match(line, head);
  if (Recall(prefix, line, head)) return true;
  head = {};
  const bool fast = prefix.MatchFast(line, head);
  const std::size_t label_begin = head.label_begin;
  if (!prefix.Complete(line, fast, head)) return false;
  if (fast && head.label_begin == label_begin) Learn(prefix, line, head);
  return true;
}

bool HeadCache::Recall(const Prefix& prefix, std::string_view line, Head& head) {
  const std::size_t from = *prefix.repeated_from_;
  if (entries_.empty() || line.size() < from + kHashed) return false;
  if (from != 0) {
    // "2026-11-20 20:14:23.488": all but the milliseconds is the same for a second.
    if (std::memcmp(line.data(), time_.data(), 19) != 0) return false;
    if (from == 23 &&
        !(line[19] == '.' && IsDigit(line[20]) && IsDigit(line[21]) && IsDigit(line[22]))) {
      return false;
    }
  }
  const char* bytes = line.data() + from;
  const Entry& entry = EntryAt(bytes);
  if (entry.size == 0 || line.size() - from < entry.size ||
      std::memcmp(bytes, entry.bytes.data(), entry.size) != 0) {
    return false;
  }
  const Label label = ParseLabel(line.substr(from + entry.size), prefix.label_form());
  if (!label.found()) return false;
  const auto view = [bytes](Slice slice) {
    return std::string_view(bytes + slice.begin, slice.size);
  };
  head.time = from == 0 ? std::string_view() : line.substr(0, from + entry.time);
  for (const Field& field : kFields) head.*field.in_head = view(entry.*field.in_entry);
  head.label_begin = from + entry.size;
  head.label = label;
  head.doubtful = false;
  head.stopped = entry.stopped;
  prefix.PreferLaterLabel(line, head);
  if (head.session.empty()) head.session = head.pid;
  return true;
}

void HeadCache::Learn(const Prefix& prefix, std::string_view line, const Head& head) {
  const std::size_t from = *prefix.repeated_from_;
  const std::size_t end = head.label_begin;
  if (head.doubtful || end <= from || end - from > kMostBytes || line.size() < from + kHashed ||
      IsAlnum(line[end - 1]) || head.time.size() < from ||
      head.database.find('@') != std::string_view::npos) {
    return;
  }
  entries_.resize(kEntries);
  if (from != 0) std::memcpy(time_.data(), line.data(), std::min(from, kMostTime));
  const char* bytes = line.data() + from;
  const auto slice = [bytes](std::string_view view) {
    if (view.empty()) return Slice();
    return Slice{static_cast<std::uint8_t>(view.data() - bytes),
                 static_cast<std::uint8_t>(view.size())};
  };
  Entry& entry = EntryAt(bytes);
  std::memcpy(entry.bytes.data(), bytes, end - from);
  entry.size = static_cast<std::uint8_t>(end - from);
  entry.time = static_cast<std::uint8_t>(from == 0 ? 0 : head.time.size() - from);
  entry.stopped = head.stopped;
  for (const Field& field : kFields) entry.*field.in_entry = slice(head.*field.in_head);
}

}  // namespace pgbeacon::log
