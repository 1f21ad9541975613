#include "collectors/native/host.h"

#include <vector>

#include "base/text.h"

namespace pgbeacon::collectors {
namespace {

/// The share behind `key` ("avg10=") in a line of percentages.
std::optional<double> Share(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(at + key.size());
  const std::optional<double> percent = ParseDouble(rest.substr(0, rest.find(' ')));
  if (!percent) return std::nullopt;
  return *percent / 100;
}

}  // namespace

std::optional<Load> DecodeLoad(std::string_view text) {
  const std::vector<std::string> parts = Split(Trim(text), ' ');
  if (parts.size() < 3) return std::nullopt;
  const auto one = ParseDouble(parts[0]);
  const auto five = ParseDouble(parts[1]);
  const auto fifteen = ParseDouble(parts[2]);
  if (!one || !five || !fifteen) return std::nullopt;
  return Load{*one, *five, *fifteen};
}

std::optional<Pressure> DecodePressure(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  if (!line.starts_with("some ")) return std::nullopt;
  const auto avg10 = Share(line, "avg10=");
  const auto avg60 = Share(line, "avg60=");
  const auto avg300 = Share(line, "avg300=");
  if (!avg10 || !avg60 || !avg300) return std::nullopt;
  return Pressure{*avg10, *avg60, *avg300};
}

}  // namespace pgbeacon::collectors
