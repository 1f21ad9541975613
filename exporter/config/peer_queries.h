// The queries.yaml of postgres_exporter (--extend.query-path), as collectors.
//
// Example:
//   for (collectors::Collector& collector : ReadPeerQueries(text, "queries.yaml", errors)) {
//     const Status added = catalogue.Add(std::move(collector));
//   }
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.h"
#include "collectors/engine/spec.h"

namespace pgbeacon::config {

/// The file and how reading it went.
struct PeerQueries {
  std::string file;    ///< empty: none
  std::string sha256;  ///< of its text, in hexadecimal digits
  bool failed = false;
};

/// A collector for each namespace of the file: its columns are metrics NAMESPACE_COLUMN, with the
/// label `server` beside their own. `runonserver` becomes a range of majors, `cache_seconds` an
/// interval; with `master` it is asked in the connected database alone. A HISTOGRAM takes the
/// columns COLUMN_bucket, _sum and _count as well, and a DURATION is COLUMN_milliseconds. Keys and
/// usages that the form does not have are mistakes, and left out.
std::vector<collectors::Collector> ReadPeerQueries(std::string_view text, const std::string& file,
                                                   YamlErrors& errors);

/// SHA-256 in hexadecimal digits.
std::string Sha256(std::string_view text);

}  // namespace pgbeacon::config
