#include "exporter/cli/event_json.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/text.h"
#include "exporter/cli/json.h"

namespace pgbeacon::cli {
namespace {

void Put(boost::json::object& object, const char* key, std::string_view text) {
  if (!text.empty()) object[key] = ToUtf8(text);
}

/// Counts stay whole numbers however large.
boost::json::value Number(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (std::abs(value) < kExact && value == std::trunc(value)) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

boost::json::object Fields(const log::Event& event) {
  boost::json::object fields;
  for (std::size_t i = 0; i < event.fields.size() && i < event.row->fields.size(); ++i) {
    const log::FieldValue& value = event.fields[i];
    const log::FieldSpec& spec = event.row->fields[i];
    if (!value.present) continue;
    if (spec.number) {
      fields[spec.name] = Number(value.number);
    } else {
      fields[spec.name] = ToUtf8(value.text);
    }
  }
  return fields;
}

}  // namespace

void AppendEventJson(std::string_view server, const log::Message& message, const log::Event& event,
                     bool with_text, std::string& out) {
  boost::json::object object;
  Put(object, "time", message.time);
  Put(object, "server", server);
  Put(object, "severity", log::SeverityName(log::SeverityOf(message, event)));
  Put(object, "sqlstate", log::SqlstateOf(message, event));
  Put(object, "event", event.row == nullptr ? "other" : std::string_view(event.row->name));
  if (event.row != nullptr) Put(object, "class", event.row->event_class);
  Put(object, "side", log::SideName(message.side));
  const std::optional<std::int64_t> pid = ParseInt(message.pid);
  if (pid) object["pid"] = *pid;
  Put(object, "session", message.session);
  Put(object, "user", message.user);
  Put(object, "database", message.database);
  Put(object, "application", message.application);
  Put(object, "source", message.source);
  Put(object, "process", message.process);
  if (with_text) Put(object, "message", message.text);
  if (event.row != nullptr) object["fields"] = Fields(event);
  if (with_text) {
    Put(object, "detail", message.detail);
    Put(object, "hint", message.hint);
    Put(object, "context", message.context);
    Put(object, "statement", message.statement);
  }
  if (message.truncated) object["truncated"] = true;
  AppendJson(object, out);
  out += '\n';
}

}  // namespace pgbeacon::cli
