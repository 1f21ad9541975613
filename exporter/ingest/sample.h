// Samples: whole lines from places of a log file, from which its log_line_prefix is learnt without
// counting them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "exporter/ingest/file.h"

namespace pgbeacon::ingest {

/// The whole lines inside the `bytes` before `end`.
std::string SampleBefore(const File& file, std::uint64_t end, std::uint64_t bytes);

/// The prefix that suits the file's beginning, its end and places between; nothing when it has
/// none.
std::optional<std::string> DetectPrefix(const File& file, std::uint64_t size);

}  // namespace pgbeacon::ingest
