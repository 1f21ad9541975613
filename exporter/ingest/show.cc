#include "exporter/ingest/show.h"

#include <string_view>

namespace pgbeacon::ingest {
namespace {

void AppendPart(std::string_view label, std::string_view part, std::string& text) {
  if (part.empty()) return;
  text.append(1, '\n').append(label).append(":  ").append(part);
}

std::string_view Program(log::Side side) {
  return side == log::Side::kPooler ? "pgbouncer" : "postgres";
}

}  // namespace

fanout::Line LineOf(const log::Message& message, const std::string& server, std::string& process,
                    std::string& text) {
  const bool heroku = message.source == "app" || message.source == "heroku";
  process.assign(heroku ? message.process : Program(message.side));
  if (!heroku && !message.pid.empty()) process.append(1, '.').append(message.pid);
  text.clear();
  if (message.labelled) text.append(log::SeverityName(message.severity)).append(":  ");
  text.append(message.text);
  AppendPart("DETAIL", message.detail, text);
  AppendPart("HINT", message.hint, text);
  AppendPart("QUERY", message.query, text);
  AppendPart("CONTEXT", message.context, text);
  AppendPart("STATEMENT", message.statement, text);
  fanout::Line line;
  line.server = server;
  line.time = message.time;
  line.source = heroku ? message.source : "app";
  line.process = process;
  line.severity = message.severity;
  line.text = text;
  return line;
}

}  // namespace pgbeacon::ingest
