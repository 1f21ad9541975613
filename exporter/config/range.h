// Numbers of the config file that have bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/yaml.h"

namespace pgbeacon::config {

/// The number under `key`; one outside of the bounds is a mistake: "KEY: expected WHAT from 1 to
/// 9".
std::optional<std::int64_t> ReadRange(YamlMap& map, const std::string& key, std::int64_t least,
                                      std::int64_t most, std::string_view what = "a number");

}  // namespace pgbeacon::config
