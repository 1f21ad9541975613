// The pgbeacon_source_* families, and what servers sent too much.
#pragma once

#include <string>
#include <vector>

#include "base/families.h"
#include "exporter/ingest/file_source.h"

namespace pgbeacon::ingest {

struct NamedStatus {
  std::string source;
  std::string server;  ///< whose log it is; empty: of several servers
  SourceStatus status;
};

/// Appends the families of all sources, whose names differ.
void AppendSourceFamilies(const std::vector<NamedStatus>& sources, Families& families);

}  // namespace pgbeacon::ingest
