// pgbeacon's own log: one line a message on stderr, as logfmt or JSON, repeats held back.
//
// Example:
//   SetUp("info", LineForm::kLogfmt);
//   spdlog::warn("target={}: gone", name);
#pragma once

#include <string>

#include "exporter/own_log/line.h"

namespace pgbeacon::own_log {

/// `level` is one of trace, debug, info, warn, error. Sets up spdlog's default logger; call once,
/// before any thread starts. Of a line that is repeated a few are written each minute, with a count
/// of the others; at debug and trace all are.
void SetUp(const std::string& level, LineForm form);

/// Tells what is held back still. Call once, at the end.
void End();

}  // namespace pgbeacon::own_log
