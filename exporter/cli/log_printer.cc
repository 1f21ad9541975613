#include "exporter/cli/log_printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pgbeacon::cli {
namespace {

constexpr std::array kColors = {"\x1b[33m", "\x1b[32m",   "\x1b[36m",   "\x1b[35m",
                                "\x1b[34m", "\x1b[1;33m", "\x1b[1;32m", "\x1b[1;36m"};
constexpr const char* kReset = "\x1b[0m";
constexpr std::size_t kMostProcesses = 1000;

/// Whether a terminal may take it as a command: C0 but tab, DEL, and C1 as UTF-8.
bool IsControl(std::string_view text, std::size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c == 0xC2 && at + 1 < text.size()) return static_cast<unsigned char>(text[at + 1]) < 0xA0;
  return (c < 0x20 && c != '\t') || c == 0x7F;
}

}  // namespace

const char* LogPrinter::ColorOf(std::string_view process) {
  const auto known = colors_.find(process);
  if (known != colors_.end()) return kColors[known->second];
  if (colors_.size() >= kMostProcesses) colors_.clear();
  const std::size_t color = colors_.size() % kColors.size();
  colors_.emplace(process, color);
  return kColors[color];
}

void LogPrinter::AppendText(std::string_view text, std::string& out) const {
  if (!options_.terminal) {
    out += text;
    return;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsControl(text, i)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[i]));
    } else {
      out += text[i];
    }
  }
}

void LogPrinter::AppendLine(std::string_view line, std::string& out) {
  const std::size_t process = line.find(' ') + 1;  // 0: there is none
  const std::size_t end = process == 0 ? line.npos : line.find(": ", process);
  if (!options_.color || end == line.npos) {
    AppendText(line, out);
  } else {
    out += ColorOf(line.substr(process, end - process));
    AppendText(line.substr(0, end + 1), out);
    out += kReset;
    AppendText(line.substr(end + 1), out);
  }
  out += '\n';
}

std::string LogPrinter::Format(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    AppendLine(lines.substr(0, end), out);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

}  // namespace pgbeacon::cli
