#include "collectors/native/host.h"

#include <algorithm>
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

/// The words of a text, parted by any number of blanks.
std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
    if (text.empty()) return words;
    words.push_back(text.substr(0, text.find_first_of(" \t\n")));
    text.remove_prefix(words.back().size());
  }
}

/// The first number on the line that begins with `key` ("MemTotal:").
std::optional<double> NumberOf(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(key)) {
      const std::vector<std::string_view> words = Words(line.substr(key.size()));
      return words.empty() ? std::nullopt : ParseDouble(words.front());
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return std::nullopt;
}

constexpr double kKibibyte = 1024;
constexpr double kSector = 512;  // of /proc/diskstats, whatever the device has

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

std::optional<Memory> DecodeMemory(std::string_view text) {
  const auto total = NumberOf(text, "MemTotal:");
  const auto free = NumberOf(text, "MemFree:");
  const auto available = NumberOf(text, "MemAvailable:");
  const auto cached = NumberOf(text, "Cached:");
  if (!total || !free || !available || !cached || *total <= 0) return std::nullopt;
  return Memory{*total * kKibibyte, *free * kKibibyte, *available * kKibibyte, *cached * kKibibyte};
}

std::optional<DiskIo> DecodeDiskIo(std::string_view text, unsigned major, unsigned minor) {
  for (const std::string& line : Split(text, '\n')) {
    const std::vector<std::string_view> words = Words(line);
    if (words.size() < 10 || ParseInt(words[0]) != major || ParseInt(words[1]) != minor) continue;
    const auto read = ParseDouble(words[5]);
    const auto written = ParseDouble(words[9]);
    if (!read || !written) return std::nullopt;
    return DiskIo{*read * kSector, *written * kSector};
  }
  return std::nullopt;
}

std::optional<ProcessStat> DecodeProcessStat(std::string_view text) {
  // The name may hold blanks and parentheses: it ends with the last one.
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return {};
  const std::vector<std::string_view> words = Words(text.substr(close + 1));
  constexpr std::size_t kParent = 1;
  constexpr std::size_t kStart = 19;
  if (words.size() <= kStart) return std::nullopt;
  const auto parent = ParseInt(words[kParent]);
  const auto start = ParseInt(words[kStart]);
  if (!parent || !start) return std::nullopt;
  ProcessStat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  stat.parent = static_cast<int>(*parent);
  stat.start_ticks = static_cast<std::uint64_t>(*start);
  return stat;
}

std::optional<ProcessMemory> DecodeProcessMemory(std::string_view text) {
  const auto own = NumberOf(text, "RssAnon:");
  const auto shared = NumberOf(text, "RssShmem:");
  if (!own || !shared) return std::nullopt;
  const double huge = NumberOf(text, "HugetlbPages:").value_or(0);
  return ProcessMemory{*own * kKibibyte, (*shared + huge) * kKibibyte};
}

std::optional<double> DecodeBootTime(std::string_view text) { return NumberOf(text, "btime "); }

}  // namespace pgbeacon::collectors
