#include "collectors/native/backup.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <map>

#include "base/text.h"
#include "collectors/native/json.h"

namespace pgbeacon::collectors {
namespace {

constexpr auto kGauge = MetricType::Gauge;

// clang-format off
constexpr Metric kCount = {"pg_backup_backups", kGauge, "Backups that are there, good ones and others."};
constexpr Metric kBad = {"pg_backup_bad_backups", kGauge, "Backups that are there and are not good: failed, empty, or with page checksum errors."};
constexpr Metric kUnreadable = {"pg_backup_unreadable_backups", kGauge, "Entries of the list without a readable time, which no other figure counts."};
constexpr Metric kStored = {"pg_backup_stored_bytes", kGauge, "Bytes that all backups take where they are kept."};
constexpr Metric kOldest = {"pg_backup_oldest_timestamp_seconds", kGauge, "When the oldest good backup was complete."};
constexpr Metric kLast = {"pg_backup_last_timestamp_seconds", kGauge, "When the newest good backup was complete."};
constexpr Metric kAge = {"pg_backup_last_age_seconds", kGauge, "Time since the newest good backup was complete."};
constexpr Metric kSize = {"pg_backup_last_size_bytes", kGauge, "Size of the newest good backup: of the data for pgBackRest, of the files else."};
constexpr Metric kLastStored = {"pg_backup_last_stored_bytes", kGauge, "Bytes that the newest good backup takes where it is kept."};
constexpr Metric kDuration = {"pg_backup_last_duration_seconds", kGauge, "How long the newest good backup took."};
constexpr Metric kSuccess = {"pg_backup_last_success", kGauge, "Whether the newest backup of all is good (1) or not (0)."};
// clang-format on

/// Backups of one type; pointers into the set.
struct OfType {
  double count = 0;
  double bad = 0;
  const Backup* oldest = nullptr;
  const Backup* newest = nullptr;  // good ones
  const Backup* latest = nullptr;  // of all
  std::optional<double> stored;
};

bool IsGood(const boost::json::value& entry) {
  if (const auto yes = BoolAt(entry, "status")) return *yes;
  const std::optional<std::string> text = TextAt(entry, "status");
  if (!text) return MemberAt(entry, "status") == nullptr;
  for (const char* good : {"ok", "success", "successful", "succeeded", "completed", "complete",
                           "available", "ready"}) {
    if (SameIgnoringCase(*text, good)) return true;
  }
  return false;
}

/// One that is complete in times to come would look fresh for ever.
bool IsGood(const Backup& backup, double now) {
  constexpr double kClocksApart = 300;
  return backup.good && backup.stop <= now + kClocksApart;
}

std::optional<double> TimeAt(const boost::json::value& entry, std::string_view key) {
  if (const auto seconds = NumberAt(entry, key)) return seconds;
  const std::optional<std::string> text = TextAt(entry, key);
  return text ? ParseTimestamp(*text) : std::nullopt;
}

/// The digits at the front, `count` of them, followed by `after`; both are taken off.
std::optional<int> TakeNumber(std::string_view& text, std::size_t count, char after) {
  if (text.size() < count) return std::nullopt;
  const std::string_view digits = text.substr(0, count);
  if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return {};
  const std::optional<std::int64_t> number = ParseInt(digits);
  text.remove_prefix(count);
  if (after != '\0') {
    if (text.empty() || text.front() != after) return std::nullopt;
    text.remove_prefix(1);
  }
  return static_cast<int>(*number);
}

/// Seconds east of UTC of "Z", "+01", "+01:00", "+0100" or "".
std::optional<int> ParseOffset(std::string_view text) {
  text = Trim(text);
  if (text.empty() || text == "Z" || text == "UTC") return 0;
  const int sign = text.front() == '-' ? -1 : text.front() == '+' ? 1 : 0;
  if (sign == 0) return std::nullopt;
  text.remove_prefix(1);
  const std::optional<int> hours = TakeNumber(text, 2, '\0');
  if (!hours) return std::nullopt;
  if (!text.empty() && text.front() == ':') text.remove_prefix(1);
  int minutes = 0;
  if (!text.empty()) {
    const std::optional<int> given = TakeNumber(text, 2, '\0');
    if (!given || !text.empty()) return std::nullopt;
    minutes = *given;
  }
  return sign * (*hours * 3600 + minutes * 60);
}

}  // namespace

void AddBackups(const BackupSet& set, double now, Sheet& sheet) {
  sheet.Add(kUnreadable, set.labels(), static_cast<double>(set.unreadable));
  std::map<std::string, OfType> types;
  if (set.backups.empty()) types[""];
  for (const Backup& backup : set.backups) {
    OfType& type = types[backup.type];
    ++type.count;
    if (backup.stored) type.stored = type.stored.value_or(0) + *backup.stored;
    if (!type.latest || backup.stop >= type.latest->stop) type.latest = &backup;
    if (!IsGood(backup, now)) {
      ++type.bad;
      continue;
    }
    if (!type.oldest || backup.stop < type.oldest->stop) type.oldest = &backup;
    if (!type.newest || backup.stop >= type.newest->stop) type.newest = &backup;
  }
  for (const auto& [name, type] : types) {
    Labels labels = set.labels();
    labels.emplace_back("type", name);
    sheet.Add(kCount, labels, type.count);
    sheet.Add(kBad, labels, type.bad);
    sheet.Add(kStored, labels, type.stored);
    if (type.latest) sheet.Add(kSuccess, labels, IsGood(*type.latest, now) ? 1 : 0);
    if (!type.newest) continue;
    const Backup& newest = *type.newest;
    sheet.Add(kOldest, labels, type.oldest->stop);
    sheet.Add(kLast, labels, newest.stop);
    sheet.Add(kAge, labels, std::max(0.0, now - newest.stop));
    sheet.Add(kSize, labels, newest.size);
    sheet.Add(kLastStored, labels, newest.stored);
    if (newest.start) sheet.Add(kDuration, labels, std::max(0.0, newest.stop - *newest.start));
  }
}

Result<BackupSet> ReadInventory(std::string_view text) {
  const Result<Json> json = Json::Parse(text);
  if (!json.ok()) return json.error();
  const boost::json::array* entries = json->root().if_array();
  if (!entries) {
    const boost::json::value* member = MemberAt(json->root(), "backups");
    entries = member ? member->if_array() : nullptr;
  }
  if (!entries) return Error(ErrorCode::kInvalid, "the JSON has no list of backups");
  BackupSet set;
  for (const boost::json::value& entry : *entries) {
    const std::optional<double> stop = TimeAt(entry, "time");
    if (!stop) {
      ++set.unreadable;
      continue;
    }
    Backup backup;
    backup.stop = *stop;
    backup.good = IsGood(entry);
    backup.start = TimeAt(entry, "start");
    backup.size = NumberAt(entry, "size");
    backup.stored = backup.size;
    backup.type = TextAt(entry, "type").value_or("");
    set.backups.push_back(std::move(backup));
  }
  return set;
}

std::optional<double> ParseTimestamp(std::string_view text) {
  const auto year = TakeNumber(text, 4, '-');
  const auto month = year ? TakeNumber(text, 2, '-') : std::nullopt;
  const auto day = month ? TakeNumber(text, 2, '\0') : std::nullopt;
  if (!day || text.empty() || (text.front() != 'T' && text.front() != ' ')) return std::nullopt;
  text.remove_prefix(1);
  const auto hour = TakeNumber(text, 2, ':');
  const auto minute = hour ? TakeNumber(text, 2, ':') : std::nullopt;
  const auto second = minute ? TakeNumber(text, 2, '\0') : std::nullopt;
  if (!second) return std::nullopt;
  double fraction = 0;
  if (!text.empty() && text.front() == '.') {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    fraction = ParseDouble("0" + std::string(text.substr(0, end))).value_or(0);
    text.remove_prefix(end);
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  const std::optional<int> offset = ParseOffset(text);
  if (!date.ok() || *hour > 24 || *minute > 59 || *second > 60 || !offset) return std::nullopt;
  const double days = static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count());
  return days * 86400 + *hour * 3600 + *minute * 60 + *second + fraction - *offset;
}

}  // namespace pgbeacon::collectors
