// Tables for people: aligned columns, colour only where it is wanted.
#pragma once

#include <string>
#include <vector>

namespace pgbeacon::cli {

/// Whether stdout is a terminal and NO_COLOR is not set (https://no-color.org).
bool WantsColor();

/// A cell may hold several lines. Columns are separated by " | ", as flyctl prints them.
using TableRow = std::vector<std::string>;
std::string FormatTable(const TableRow& header, const std::vector<TableRow>& rows);

}  // namespace pgbeacon::cli
