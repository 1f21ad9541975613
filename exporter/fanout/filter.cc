#include "exporter/fanout/filter.h"

#include <algorithm>

#include "base/text.h"

namespace pgbeacon::fanout {
namespace {

bool AnyFits(const std::vector<std::string>& globs, std::string_view text) {
  return globs.empty() ||
         std::ranges::any_of(globs, [text](const auto& glob) { return GlobMatch(glob, text); });
}

/// "postgres" takes "postgres" and "postgres.7", not "heroku-postgres".
bool ProcessFits(std::string_view wanted, std::string_view process) {
  return process.starts_with(wanted) &&
         (process.size() == wanted.size() || process[wanted.size()] == '.');
}

}  // namespace

int SeverityRank(log::Severity severity) {
  switch (severity) {
    case log::Severity::kDebug:
      return 0;
    case log::Severity::kInfo:
    case log::Severity::kLog:
      return 1;
    case log::Severity::kNotice:
      return 2;
    case log::Severity::kWarning:
      return 3;
    case log::Severity::kError:
      return 4;
    case log::Severity::kFatal:
      return 5;
    case log::Severity::kPanic:
      return 6;
    case log::Severity::kNone:
      break;
  }
  return -1;
}

bool Filter::TakesServer(std::string_view server) const {
  return AnyFits(servers, server) && AnyFits(allowed, server);
}

bool Filter::TakesOfServer(const Entry& entry) const {
  return (process.empty() || ProcessFits(process, entry.process)) &&
         (source.empty() || source == entry.source) &&
         (!at_least || SeverityRank(entry.severity) >= SeverityRank(*at_least));
}

bool Filter::Takes(const Entry& entry) const {
  return TakesServer(entry.server) && TakesOfServer(entry);
}

}  // namespace pgbeacon::fanout
