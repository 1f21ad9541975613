#include "collectors/native/host.h"

#include <iterator>

#include "base/text.h"
#include "collectors/native/proc_text.h"

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
  Memory memory{*total * kKibibyte, *free * kKibibyte, *available * kKibibyte, *cached * kKibibyte};
  const auto bytes = [text](std::string_view key) -> std::optional<double> {
    const auto kibibytes = NumberOf(text, key);
    if (!kibibytes) return std::nullopt;
    return *kibibytes * kKibibyte;
  };
  memory.shared = bytes("Shmem:");
  memory.dirty = bytes("Dirty:");
  memory.committed = bytes("Committed_AS:");
  memory.swap_total = bytes("SwapTotal:");
  memory.swap_free = bytes("SwapFree:");
  return memory;
}

std::optional<DiskIo> DecodeDiskIo(std::string_view text, unsigned major, unsigned minor) {
  constexpr double kMilliseconds = 1000;  // of a second
  for (const std::string_view line : Lines(text)) {
    const std::vector<std::string_view> words = Words(line);
    if (words.size() < 10 || ParseInt(words[0]) != major || ParseInt(words[1]) != minor) continue;
    std::vector<std::optional<double>> numbers;
    for (std::size_t i = 3; i < words.size(); ++i) numbers.push_back(ParseDouble(words[i]));
    const auto number = [&](std::size_t field, double units = 1) -> std::optional<double> {
      if (field >= numbers.size() || !numbers[field]) return std::nullopt;
      return *numbers[field] / units;
    };
    if (!numbers[2] || !numbers[6]) return std::nullopt;
    DiskIo io;
    io.read_bytes = *numbers[2] * kSector;
    io.written_bytes = *numbers[6] * kSector;
    io.device = words[2];
    io.reads = number(0);
    io.read_seconds = number(3, kMilliseconds);
    io.writes = number(4);
    io.write_seconds = number(7, kMilliseconds);
    io.in_progress = number(8);
    io.busy_seconds = number(9, kMilliseconds);
    io.weighted_seconds = number(10, kMilliseconds);
    return io;
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, double>> DecodeCpuSeconds(std::string_view text,
                                                             double ticks_per_second) {
  constexpr const char* kModes[] = {"user",   "nice", "system",  "idle",
                                    "iowait", "irq",  "softirq", "steal"};
  std::vector<std::pair<std::string, double>> seconds;
  const std::vector<std::string_view> words = Words(text.substr(0, text.find('\n')));
  if (words.empty() || words[0] != "cpu") return seconds;
  for (std::size_t i = 0; i < std::size(kModes) && i + 1 < words.size(); ++i) {
    const std::optional<double> ticks = ParseDouble(words[i + 1]);
    if (ticks) seconds.emplace_back(kModes[i], *ticks / ticks_per_second);
  }
  return seconds;
}

StallSeconds DecodeStalls(std::string_view text) {
  constexpr double kMicroseconds = 1e6;  // of a second
  StallSeconds stalls;
  for (const std::string_view line : Lines(text)) {
    const std::size_t at = line.find("total=");
    if (at == std::string_view::npos) continue;
    const auto total = ParseDouble(Trim(line.substr(at + 6)));
    if (!total) continue;
    if (line.starts_with("some ")) stalls.some = *total / kMicroseconds;
    if (line.starts_with("full ")) stalls.full = *total / kMicroseconds;
  }
  return stalls;
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
