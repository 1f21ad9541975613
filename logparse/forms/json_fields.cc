#include "logparse/forms/json_fields.h"

#include <algorithm>

namespace pgbeacon::log {
namespace {

struct Name {
  std::string_view name;
  JsonKey key;
};

// Sorted by length.
constexpr std::array kNames = {
    Name{"ts", JsonKey::kTime},
    Name{"log", JsonKey::kLog},
    Name{"msg", JsonKey::kMsg},
    Name{"pid", JsonKey::kPid},
    Name{"hint", JsonKey::kHint},
    Name{"line", JsonKey::kLineText},
    Name{"time", JsonKey::kTime},
    Name{"user", JsonKey::kUser},
    Name{"level", JsonKey::kLevel},
    Name{"query", JsonKey::kStatement},
    Name{"dbname", JsonKey::kDatabase},
    Name{"detail", JsonKey::kDetail},
    Name{"logger", JsonKey::kLogger},
    Name{"record", JsonKey::kRecord},
    Name{"stream", JsonKey::kStream},
    Name{"context", JsonKey::kContext},
    Name{"message", JsonKey::kMessage},
    Name{"location", JsonKey::kLocation},
    Name{"log_time", JsonKey::kTimestamp},
    Name{"backtrace", JsonKey::kBacktrace},
    Name{"file_name", JsonKey::kFile},
    Name{"func_name", JsonKey::kFunction},
    Name{"statement", JsonKey::kStatement},
    Name{"timestamp", JsonKey::kTimestamp},
    Name{"user_name", JsonKey::kUser},
    Name{"@timestamp", JsonKey::kTime},
    Name{"errorLevel", JsonKey::kErrorLevel},
    Name{"process_id", JsonKey::kPid},
    Name{"properties", JsonKey::kProperties},
    Name{"session_id", JsonKey::kSession},
    Name{"sqlerrcode", JsonKey::kErrorCode},
    Name{"state_code", JsonKey::kSqlstate},
    Name{"jsonPayload", JsonKey::kPayload},
    Name{"textPayload", JsonKey::kTextPayload},
    Name{"database_name", JsonKey::kDatabase},
    Name{"file_line_num", JsonKey::kLine},
    Name{"error_severity", JsonKey::kSeverity},
    Name{"internal_query", JsonKey::kInternalQuery},
    Name{"sql_state_code", JsonKey::kSqlstate},
    Name{"application_name", JsonKey::kApplication},
};
constexpr std::size_t kLongest = kNames.back().name.size();

// kBegin[n]: the first name of n bytes or more.
constexpr auto kBegin = [] {
  std::array<std::uint8_t, kLongest + 2> begin{};
  for (std::size_t size = 0; size < begin.size(); ++size) {
    std::size_t at = 0;
    while (at < kNames.size() && kNames[at].name.size() < size) ++at;
    begin[size] = static_cast<std::uint8_t>(at);
  }
  return begin;
}();

}  // namespace

std::size_t FindJsonKey(std::string_view name) {
  if (name.size() > kLongest) return kJsonKeys;
  for (std::size_t i = kBegin[name.size()]; i < kBegin[name.size() + 1]; ++i) {
    if (kNames[i].name == name) return static_cast<std::size_t>(kNames[i].key);
  }
  return kJsonKeys;
}

}  // namespace pgbeacon::log
