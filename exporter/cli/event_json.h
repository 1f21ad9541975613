// One message as one JSON object on one line: `pgbeacon parse --events`.
#pragma once

#include <string>
#include <string_view>

#include "logparse/events/catalogue.h"
#include "logparse/message.h"

namespace pgbeacon::cli {

/// Appends the object and a line feed. What the log does not tell is left out. `with_text` adds
/// message, detail, hint, context and statement, which may hold customers' data.
void AppendEventJson(std::string_view server, const log::Message& message, const log::Event& event,
                     bool with_text, std::string& out);

}  // namespace pgbeacon::cli
