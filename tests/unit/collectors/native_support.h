// Recorded answers of real programs (tests/data/native) and golden files beside them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "base/families.h"
#include "base/text.h"
#include "collectors/engine/rows.h"
#include "tests/unit/collectors/series_text.h"

namespace pgbeacon::collectors {

inline std::string NativePath(const std::string& name) {
  return std::string(PGB_SOURCE_DIR "/tests/data/native/") + name;
}

inline std::string Recorded(const std::string& name) {
  std::ifstream file(NativePath(name), std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// An answer in the form of the collectors' golden files: "columns" and "row" lines.
inline MemoryRows RecordedRows(const std::string& name) {
  std::vector<std::string> columns;
  std::vector<MemoryRows::Row> rows;
  for (const std::string& line : Split(Recorded(name), '\n')) {
    std::vector<std::string> fields = Split(line, '\t');
    if (fields.empty()) continue;
    const bool header = fields.front() == "columns";
    fields.erase(fields.begin());
    if (header) {
      columns = std::move(fields);
      continue;
    }
    MemoryRows::Row row;
    for (std::string& field : fields) {
      row.push_back(field == "\\N" ? std::nullopt : std::optional<std::string>(std::move(field)));
    }
    rows.push_back(std::move(row));
  }
  return MemoryRows(std::move(columns), std::move(rows));
}

/// Compares with the golden file, or writes it where PGB_UPDATE_GOLDEN is set.
inline void ExpectGolden(const std::string& name, Families families) {
  EXPECT_EQ(Normalize(families), 0U) << "a series twice";
  const std::string text = Join(SeriesText(families), "\n") + "\n";
  if (std::getenv("PGB_UPDATE_GOLDEN")) {
    std::ofstream(NativePath(name), std::ios::binary) << text;
    return;
  }
  EXPECT_EQ(text, Recorded(name));
}

/// The value of one series as golden files write it: `name{a="b"}`; "" where it is not there.
inline std::string ValueOf(const Families& families, const std::string& series) {
  for (const std::string& line : SeriesText(families)) {
    if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
  }
  return "";
}

}  // namespace pgbeacon::collectors
