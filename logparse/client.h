// Client-side messages: what drivers make of a server's error when an application logs it
// ("PGError: ERROR: ...", "psycopg2.errors.UndefinedTable: ...").
#pragma once

#include <string_view>

#include "logparse/message.h"

namespace pgbeacon::log {

/// Takes the wrapper off `line`: sets side, severity, labelled, sqlstate and text of `message`.
/// False, and nothing set, when the line has none.
bool UnwrapClient(std::string_view line, Message& message);

}  // namespace pgbeacon::log
