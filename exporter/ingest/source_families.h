// The pgbeacon_source_* families, and what servers sent too much.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/families.h"
#include "exporter/ingest/file_source.h"

namespace pgbeacon::ingest {

struct NamedStatus {
  std::string source;
  SourceStatus status;
};

/// Appends the families of all sources, whose names differ.
void AppendSourceFamilies(const std::vector<NamedStatus>& sources, Families& families);

/// pgbeacon_server_over_quota_lines_total of each server.
void AppendQuotaFamily(const std::map<std::string, std::uint64_t>& over_quota, Families& families);

}  // namespace pgbeacon::ingest
