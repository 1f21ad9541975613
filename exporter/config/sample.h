// `sample`: whether sample# records are written, and as whose. `limits` of a target: what its plan
// allows.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/yaml.h"

namespace pgbeacon::config {

struct Sample {
  std::chrono::milliseconds interval{60'000};
  std::string source = "DATABASE";
  std::string addon;  ///< empty: the target's name
};

struct Limits {
  std::optional<double> connections, bytes, iops;
};

/// Nothing where the file does not ask for records.
std::optional<Sample> ReadSample(YamlMap& root);

Limits ReadLimits(YamlMap& target);

}  // namespace pgbeacon::config
