// The data files that are built into the library: logparse/*.yml.
//
// Example:
//   YamlMap root = ReadYaml(DataFile("logparse/labels.yml"), "logparse/labels.yml", errors);
#pragma once

#include <string_view>

namespace pgbeacon::log {

/// The text of a file by its path in the project; "" if there is none.
std::string_view DataFile(std::string_view name);

}  // namespace pgbeacon::log
