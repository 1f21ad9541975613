// The keys of a collector file about what is kept apart, and about options. Part of ReadCollector.
//
// Example:
//   collector.top = ReadTops(root);
//   collector.options = ReadOptions(root);
//   CheckTops(root, collector);
#pragma once

#include <optional>
#include <vector>

#include "base/yaml.h"
#include "collectors/engine/spec.h"

namespace pgbeacon::collectors {

std::vector<Top> ReadTops(YamlMap& root);

std::vector<Option> ReadOptions(YamlMap& root);

std::optional<Lookup> ReadLookup(YamlMap& root);

/// Reports columns, labels and options that are named and do not exist, and {{opt.NAME}} without
/// its option.
void CheckTops(YamlMap& root, const Collector& collector);

/// Whether `top`, `key` or `since` reads the column.
bool IsUsed(const Collector& collector, const Column& column);

}  // namespace pgbeacon::collectors
