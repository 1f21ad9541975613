// Files as the configuration names them.
#pragma once

#include <string>
#include <vector>

namespace pgbeacon::config {

/// The existing paths that a shell glob (glob(7)) matches, sorted.
std::vector<std::string> Glob(const std::string& pattern);

/// Which files these are and when each was written last: another text where one has changed.
std::string StampOf(const std::vector<std::string>& paths);

}  // namespace pgbeacon::config
