// Packed YAML: a YAML document as the build read it, so that the program need not read text that
// cannot change. pgb_embed packs the .yml files it embeds; ReadYaml() takes packed texts like
// others.
//
// Example:
//   const std::string packed = PackYaml(root);
//   if (IsPackedYaml(packed)) UnpackYaml(packed, copy);   // copy == root
#pragma once

#include <string>
#include <string_view>

#include "base/yaml.h"

namespace pgbeacon {

/// The document in bytes that no YAML text begins with.
std::string PackYaml(const YamlValue& root);
bool IsPackedYaml(std::string_view bytes);
/// Reads what PackYaml() wrote; false: the bytes are broken.
bool UnpackYaml(std::string_view bytes, YamlValue& root);

}  // namespace pgbeacon
