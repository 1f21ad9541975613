// What subscribers see of a message of a log file: the server's lines as `heroku logs` prints them.
#pragma once

#include <string>

#include "exporter/fanout/line.h"
#include "logparse/message.h"

namespace pgbeacon::ingest {

/// The message as one line with LF between its parts ("LOG:  text", "DETAIL:  text", ...).
/// `process` and `text` are room for what the line's views point to.
fanout::Line LineOf(const log::Message& message, const std::string& server, std::string& process,
                    std::string& text);

}  // namespace pgbeacon::ingest
