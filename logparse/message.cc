#include "logparse/message.h"

#include <array>
#include <cstddef>

namespace pgbeacon::log {
namespace {

constexpr std::array<std::string_view, kSeverities> kNames = {"DEBUG", "INFO",  "NOTICE", "WARNING",
                                                              "LOG",   "ERROR", "FATAL",  "PANIC"};

}  // namespace

std::string_view SeverityName(Severity severity) {
  return severity == Severity::kNone ? "" : kNames[static_cast<std::size_t>(severity)];
}

Severity ParseSeverity(std::string_view label) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (label == kNames[i]) return static_cast<Severity>(i);
  }
  const bool debug =
      label.size() == 6 && label.starts_with("DEBUG") && label[5] >= '1' && label[5] <= '5';
  return debug ? Severity::kDebug : Severity::kNone;
}

std::string_view SideName(Side side) {
  constexpr std::array<std::string_view, kSides> kNamesOfSides = {"server", "client", "platform",
                                                                  "pooler"};
  return kNamesOfSides[static_cast<std::size_t>(side)];
}

}  // namespace pgbeacon::log
