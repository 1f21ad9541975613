#include "logparse/forms/form.h"

#include <algorithm>

namespace pgbeacon::log {
namespace {

constexpr std::array<std::string_view, kFormKinds> kFormNames = {
    "auto", "stderr", "csv", "json", "syslog", "heroku", "pgbouncer"};
constexpr std::array<std::string_view, kUnparsedReasons> kUnparsedNames = {
    "no_prefix", "bad_csv", "bad_json", "too_long", "orphan"};

}  // namespace

std::string_view FormName(FormKind kind) { return kFormNames[static_cast<std::size_t>(kind)]; }

std::vector<std::string> FormNames() { return {kFormNames.begin(), kFormNames.end()}; }

std::optional<FormKind> ParseForm(std::string_view name) {
  const auto* found = std::find(kFormNames.begin(), kFormNames.end(), name);
  if (found == kFormNames.end()) return std::nullopt;
  return static_cast<FormKind>(found - kFormNames.begin());
}

std::string_view UnparsedName(Unparsed reason) {
  return kUnparsedNames[static_cast<std::size_t>(reason)];
}

ReaderStats& ReaderStats::operator+=(const ReaderStats& more) {
  bytes += more.bytes;
  lines += more.lines;
  messages += more.messages;
  unlabelled += more.unlabelled;
  truncated += more.truncated;
  prefix_matched += more.prefix_matched;
  prefix_tried += more.prefix_tried;
  for (std::size_t i = 0; i < unparsed.size(); ++i) unparsed[i] += more.unparsed[i];
  return *this;
}

}  // namespace pgbeacon::log
