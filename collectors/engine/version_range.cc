#include "base/text.h"
#include "collectors/engine/spec.h"

namespace pgbeacon::collectors {

std::optional<VersionRange> ParseVersionRange(std::string_view text) {
  VersionRange range;
  bool any = false;
  for (const std::string& part : Split(Trim(text), ' ')) {
    if (part.empty()) continue;
    const bool lower = part.starts_with(">=");
    if (!lower && !part.starts_with("<")) return std::nullopt;
    const std::optional<std::int64_t> major =
        ParseInt(std::string_view(part).substr(lower ? 2 : 1));
    if (!major || *major < 1 || *major > 999) return std::nullopt;
    (lower ? range.min : range.below) = static_cast<int>(*major);
    any = true;
  }
  if (!any || range.min >= range.below) return std::nullopt;
  return range;
}

}  // namespace pgbeacon::collectors
