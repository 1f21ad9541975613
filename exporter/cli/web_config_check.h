// `pgbeacon config check --web.config.file FILE`.
#pragma once

#include <string>

namespace pgbeacon::cli {

/// Reads the file and all that it names; mistakes go to stderr. The exit status.
int RunWebConfigCheck(const std::string& file);

}  // namespace pgbeacon::cli
