// Mistakes of the config and of the files it names, as a family: what a log line tells once is
// there for as long as it holds.
//
// Example:
//   AppendConfigErrors({"pgbeacon.yml:3:5: unknown key 'hosst'"}, page);
//   // pgbeacon_config_error_info{file="pgbeacon.yml",line="3",reason="unknown key 'hosst'"} 1
#pragma once

#include <string>
#include <vector>

#include "base/families.h"

namespace pgbeacon::metrics {

/// Appends pgbeacon_config_error_info: a series for each mistake, of which a message has one a
/// line. Nothing where there is none; behind the first 50 one series says how many more there are,
/// and long texts are cut.
void AppendConfigErrors(const std::vector<std::string>& messages, Families& families);

}  // namespace pgbeacon::metrics
