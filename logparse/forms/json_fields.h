// JsonFields: the keys that say something in the log lines of PostgreSQL and of the platforms
// around it, and the values that one JSON object gives them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgbeacon::log {

enum class JsonKey : std::uint8_t {
  // Of jsonlog, and of CloudNativePG where it has another name for the same.
  kTimestamp,
  kUser,
  kDatabase,
  kPid,
  kSession,
  kSeverity,
  kSqlstate,
  kMessage,
  kDetail,
  kHint,
  kInternalQuery,
  kContext,
  kStatement,
  kFunction,
  kFile,
  kLine,
  kLocation,
  kApplication,
  kBacktrace,
  // Of the platforms.
  kTime,
  kStream,
  kLog,
  kLogger,
  kLevel,
  kMsg,
  kLineText,
  kTextPayload,
  kErrorLevel,
  kErrorCode,
  // What holds a further object.
  kRecord,
  kProperties,
  kPayload,
};
inline constexpr std::size_t kJsonKeys = 32;

/// The key that is spelled so; nothing said for what is unknown: kJsonKeys.
std::size_t FindJsonKey(std::string_view name);

/// The values of one object; empty: absent.
struct JsonFields {
  std::array<std::string_view, kJsonKeys> values;

  std::string_view operator[](JsonKey key) const { return values[static_cast<std::size_t>(key)]; }
  bool Has(JsonKey key) const { return !(*this)[key].empty(); }
};

}  // namespace pgbeacon::log
