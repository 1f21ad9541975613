// Log files in a temporary folder.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/ingest/file_source.h"
#include "tests/support/temp_folder.h"

namespace pgbeacon::ingest {

using test::TempFolder;

inline void Append(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}
inline void Overwrite(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::trunc | std::ios::binary) << text;
}

/// One record of the server.
inline std::string Record(std::string_view text, int pid = 7) {
  return "2026-11-20 22:09:45.301 UTC [" + std::to_string(pid) + "] LOG:  " + std::string(text) +
         "\n";
}
inline std::string Records(int count, std::string_view text = "hello") {
  std::string records;
  for (int i = 0; i < count; ++i) records += Record(std::string(text) + " " + std::to_string(i));
  return records;
}

inline SourceOptions From(std::string glob, bool begin = false,
                          std::optional<std::string> prefix = "%m [%p] ") {
  SourceOptions options;
  options.name = "test";
  options.glob = std::move(glob);
  options.prefix = std::move(prefix);
  options.from_begin = begin;
  options.server = "db1";
  return options;
}

/// The same under a name of its own, as sources of a configuration have.
inline SourceOptions Named(std::string glob, bool begin = false) {
  SourceOptions options = From(std::move(glob), begin);
  options.name = options.glob;
  return options;
}

}  // namespace pgbeacon::ingest
