// Samples: whole lines from places of a log file, from which its form and its log_line_prefix are
// learnt without counting them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "exporter/ingest/file.h"
#include "logparse/forms/form.h"

namespace pgbeacon::ingest {

/// The whole lines inside the `bytes` before `end`.
std::string SampleBefore(const File& file, std::uint64_t end, std::uint64_t bytes);

/// What the first lines of a file tell about its form.
struct FormSample {
  log::FormKind form = log::FormKind::kAuto;  ///< by its lines, else by its name, else unknown
  bool by_lines = false;
  std::uint64_t bytes = 0;  ///< looked at
};

/// A look at the first lines of a file of `size` bytes. Where they do not tell, its name may:
/// PostgreSQL's own end in .csv and .json.
FormSample SampleForm(const std::string& path, std::uint64_t size);

/// What suits the file's beginning, its end and places between.
struct FileSample {
  log::FormKind form = log::FormKind::kAuto;
  bool enveloped = false;
  std::optional<std::string> prefix;
};
FileSample SampleFile(const File& file, std::uint64_t size);

}  // namespace pgbeacon::ingest
