#include "exporter/metrics/config_errors.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/text.h"

namespace pgbeacon::metrics {
namespace {

constexpr std::size_t kMostMistakes = 50;
constexpr std::size_t kLongestText = 300;
constexpr std::string_view kCut = "...";

struct Mistake {
  std::string_view file, line, reason;
};

/// The number at the front of `text` that a colon follows; empty where there is none.
std::string_view NumberAndColon(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  return end > 0 && end < text.size() && text[end] == ':' ? text.substr(0, end)
                                                          : std::string_view();
}

/// The file in "cannot read FILE: why", which has no line to tell; empty in another message.
std::string_view UnreadFile(std::string_view message) {
  constexpr std::string_view kHead = "cannot read ";
  const std::size_t head = message.find(kHead);
  const std::size_t why = message.rfind(": ");
  if (head == std::string_view::npos || why == std::string_view::npos || why < head) return "";
  return message.substr(head + kHead.size(), why - head - kHead.size());
}

/// "FILE:LINE:COLUMN: REASON"; what has no such head is a reason alone.
Mistake ReadMistake(std::string_view message) {
  for (std::size_t colon = message.find(':'); colon != std::string_view::npos;
       colon = message.find(':', colon + 1)) {
    const std::string_view line = NumberAndColon(message.substr(colon + 1));
    if (line.empty()) continue;
    std::string_view rest = message.substr(colon + 1 + line.size() + 1);
    const std::string_view column = NumberAndColon(rest);
    if (!column.empty()) rest.remove_prefix(column.size() + 1);
    return {message.substr(0, colon), line, Trim(rest)};
  }
  return {UnreadFile(message), "", message};
}

/// At most kLongestText bytes, without half a character at the end.
std::string Short(std::string_view text) {
  if (text.size() <= kLongestText) return std::string(text);
  std::size_t size = kLongestText - kCut.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return std::string(text.substr(0, size)).append(kCut);
}

}  // namespace

void AppendConfigErrors(const std::vector<std::string>& messages, Families& families) {
  Family family = NewFamily("pgbeacon_config_error_info", MetricType::Gauge,
                            "A mistake in the config or in a file that it names, which was left "
                            "out; always 1.");
  std::size_t further = 0;
  for (const std::string& message : messages) {
    for (const std::string& line : Split(message, '\n')) {
      if (Trim(line).empty()) continue;
      if (family.metric.size() == kMostMistakes) {
        ++further;
        continue;
      }
      const Mistake mistake = ReadMistake(line);
      AddSample(family,
                {{"file", Short(mistake.file)},
                 {"line", Short(mistake.line)},
                 {"reason", Short(mistake.reason)}},
                1);
    }
  }
  if (further > 0) {
    const std::string reason = std::to_string(further) + " more, which the log tells";
    AddSample(family, {{"file", ""}, {"line", ""}, {"reason", reason}}, 1);
  }
  if (!family.metric.empty()) families.push_back(std::move(family));
}

}  // namespace pgbeacon::metrics
