// A page of metrics as another program wrote it (Prometheus documentation, "Exposition formats",
// text format 0.0.4), read for comparison.
//
// Example:
//   Exposition page = ReadExposition(body);
//   page.series["pg_up"][{}] == 1; page.types["pg_up"] == "gauge";
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace pgbeacon::metrics {

/// Label values by name; an empty one is as good as none.
using LabelSet = std::map<std::string, std::string>;

struct Exposition {
  std::map<std::string, std::string> types;                  ///< by family
  std::map<std::string, std::map<LabelSet, double>> series;  ///< by name of the samples
  std::map<std::string, std::set<std::string>> labels;       ///< names of the same, empty ones too
  std::size_t unread = 0;                                    ///< lines that are none of the format

  /// The type of the family that samples of this name belong to; "untyped" where none is given.
  std::string TypeOf(const std::string& name) const;
};

Exposition ReadExposition(std::string_view text);

}  // namespace pgbeacon::metrics
