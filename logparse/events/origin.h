// Who made the text of a message: the server, or a function that a user wrote. RAISE, plpy.log()
// and the like print any text at any severity but FATAL and PANIC, so such a message is never the
// event that it reads like.
//
// Example:
//   IsRaised("PL/pgSQL function f() line 3 at RAISE\nSQL statement \"SELECT f()\"");  // true
#pragma once

#include <string_view>

#include "logparse/message.h"

namespace pgbeacon::log {

/// Whether a message with this CONTEXT was made by RAISE or ASSERT of PL/pgSQL, or in a function of
/// PL/Perl, PL/Python or PL/Tcl, in whatever language the server speaks: the names of languages and
/// of PL/pgSQL's statements are not translated.
bool IsRaised(std::string_view context);

/// Whether a session of a client printed the message: its line shows user and database, or the
/// statement that was running.
bool IsOfSession(const Message& message);

}  // namespace pgbeacon::log
