#include "logparse/forms/csv_columns.h"

#include <algorithm>
#include <array>

#include "logparse/label.h"

namespace pgbeacon::log {
namespace {

// The server's columns, 13 to 18; backend_type came with 13, two more with 14.
enum Column : std::size_t {
  kLogTime = 0,
  kUser = 1,
  kDatabase = 2,
  kPid = 3,
  kSession = 5,
  kSeverity = 11,
  kSqlstate = 12,
  kText = 13,
  kDetail = 14,
  kHint = 15,
  kInternalQuery = 16,
  kContext = 18,
  kQuery = 19,
  kLocation = 21,
  kApplication = 22,
  kBackendType = 23,
};
constexpr std::size_t kFewestColumns = 23;

constexpr std::string_view kLogTimeShape = "0000-00-00 00:00:00.000 ";
constexpr std::size_t kLongestZone = 16;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

// Whether `text` begins like `shape`, where 0 stands for any digit.
bool HasShape(std::string_view text, std::string_view shape) {
  return text.size() >= shape.size() &&
         std::equal(shape.begin(), shape.end(), text.begin(),
                    [](char want, char c) { return want == '0' ? IsDigit(c) : c == want; });
}

bool IsLogTime(std::string_view text) {
  return HasShape(text, kLogTimeShape) && text.size() <= kLogTimeShape.size() + kLongestZone;
}

// "5f.1a2b": when the session started and its pid.
bool IsSession(std::string_view text) {
  const std::size_t point = text.find('.');
  return point != std::string_view::npos && point > 0 && point + 1 < text.size() &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(point), IsHex) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(point) + 1, text.end(), IsHex);
}

bool BeginsOutsideQuotes(std::string_view column) {
  return std::min(column.find_first_not_of('"'), column.size()) % 2 == 1;
}

}  // namespace

std::string_view CsvColumns::Raw(std::size_t index) const {
  if (index >= scanner_.columns() && !(dropped_ && index == scanner_.columns())) return {};
  const std::size_t begin = index == 0 ? 0 : scanner_.ColumnEnd(index - 1) + 1;
  if (begin >= record_.size()) return {};
  const std::size_t end =
      index < scanner_.columns() ? scanner_.ColumnEnd(index) : std::string_view::npos;
  std::string_view raw = record_.substr(begin, end - begin);
  if (raw.ends_with('\r') && index + 1 == scanner_.columns()) raw.remove_suffix(1);
  return raw;
}

bool CsvColumns::Plausible() const {
  if (scanner_.columns() < (dropped_ ? kText : kFewestColumns)) return false;
  const std::string_view pid = Raw(kPid);
  const std::string_view severity = Raw(kSeverity);
  const std::string_view text = Raw(kText);
  if (!IsLogTime(Raw(kLogTime)) || !IsSession(Raw(kSession)) || pid.empty() ||
      !std::all_of(pid.begin(), pid.end(), IsDigit) || severity.empty() || severity[0] == '"' ||
      !IsSqlstate(Raw(kSqlstate)) || (!text.empty() && text[0] != '"')) {
    return false;
  }
  const std::string_view backend_type = Raw(kBackendType);
  return BeginsOutsideQuotes(backend_type.empty() ? text : backend_type);
}

std::string_view CsvColumns::Text(std::size_t index, std::string& unescaped) const {
  std::string_view text = Raw(index);
  if (!text.starts_with('"')) return text;
  text.remove_prefix(1);
  const bool closed =
      !dropped_ || (index < scanner_.columns() && scanner_.ColumnEnd(index) <= record_.size());
  if (closed && text.ends_with('"')) text.remove_suffix(1);
  std::size_t quote = scanner_.escapes() ? text.find('"') : std::string_view::npos;
  if (quote == std::string_view::npos) return text;
  const std::size_t begin = unescaped.size();
  while (quote != std::string_view::npos) {
    unescaped.append(text.substr(0, quote + 1));
    text.remove_prefix(std::min(text.size(), quote + 2));
    quote = text.find('"');
  }
  unescaped.append(text);
  return std::string_view(unescaped).substr(begin);
}

void CsvColumns::Fill(Message& message, std::string& unescaped) const {
  unescaped.clear();
  if (scanner_.escapes()) unescaped.reserve(record_.size());  // the views into it stay valid
  message.time = Raw(kLogTime);
  message.user = Text(kUser, unescaped);
  message.database = Text(kDatabase, unescaped);
  message.pid = Raw(kPid);
  message.session = Raw(kSession);
  message.sqlstate = Raw(kSqlstate);
  SetSeverity(Raw(kSeverity), message);
  message.text = Text(kText, unescaped);
  message.detail = Text(kDetail, unescaped);
  message.hint = Text(kHint, unescaped);
  message.query = Text(kInternalQuery, unescaped);
  message.context = Text(kContext, unescaped);
  message.statement = Text(kQuery, unescaped);
  message.location = Text(kLocation, unescaped);
  message.application = Text(kApplication, unescaped);
  message.truncated = dropped_;
}

std::size_t FindLogTime(std::string_view line) {
  for (std::size_t dash = line.find('-', 5); dash != std::string_view::npos;
       dash = line.find('-', dash + 1)) {
    if (HasShape(line.substr(dash - 4), kLogTimeShape)) return dash - 4;
  }
  return std::string_view::npos;
}

void SetSeverity(std::string_view word, Message& message) {
  message.severity = ParsePrintedSeverity(word);
  message.labelled = message.severity != Severity::kNone;
  if (message.labelled || message.sqlstate.size() != 5) return;
  if (message.sqlstate.starts_with("00")) {
    message.severity = Severity::kLog;
  } else {
    message.severity = message.sqlstate.starts_with("01") ? Severity::kWarning : Severity::kError;
  }
}

}  // namespace pgbeacon::log
