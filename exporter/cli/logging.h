// pgbeacon's own log: one line a message on stderr, as logfmt or JSON.
#pragma once

#include <string>

namespace pgbeacon::cli {

/// `level` is one of debug, info, warn, error; `format` one of logfmt, json. Sets up spdlog's
/// default logger; call once, before any thread starts.
void SetUpLogging(const std::string& level, const std::string& format);

}  // namespace pgbeacon::cli
