#include "exporter/cli/table.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/text.h"

namespace pgbeacon::cli {
namespace {

/// Columns on a terminal: characters, not bytes, and nothing for colour sequences.
std::size_t Width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = std::min(text.find('m', i), text.size() - 1);
    } else if ((text[i] & 0xC0) != 0x80) {
      ++width;
    }
  }
  return width;
}

std::vector<std::string> Lines(const std::string& cell) {
  std::vector<std::string> lines = Split(cell, '\n');
  if (lines.empty()) lines.emplace_back();
  return lines;
}

void AppendRow(const TableRow& row, const std::vector<std::size_t>& widths, std::string& out) {
  std::vector<std::vector<std::string>> cells;
  std::size_t height = 1;
  for (const std::string& cell : row) {
    cells.push_back(Lines(cell));
    height = std::max(height, cells.back().size());
  }
  for (std::size_t line = 0; line < height; ++line) {
    std::string text;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const std::string part = line < cells[column].size() ? cells[column][line] : "";
      text += (column == 0 ? "  " : " | ") + part + std::string(widths[column] - Width(part), ' ');
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
}

}  // namespace

bool WantsColor() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

std::string FormatTable(const TableRow& header, const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths(header.size());
  const auto measure = [&](const TableRow& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      for (const std::string& line : Lines(row[i])) widths[i] = std::max(widths[i], Width(line));
    }
  };
  measure(header);
  for (const TableRow& row : rows) measure(row);
  std::string out;
  AppendRow(header, widths, out);
  std::string rule = "-";
  for (std::size_t i = 0; i < widths.size(); ++i) {
    rule += std::string(widths[i] + 2, '-') + (i + 1 < widths.size() ? "*" : "-");
  }
  out += rule + "\n";
  for (const TableRow& row : rows) AppendRow(row, widths, out);
  return out;
}

}  // namespace pgbeacon::cli
