#include "exporter/web/logs_query.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>

#include "base/text.h"

namespace pgbeacon::web {
namespace {

using Parameter = std::pair<std::string, std::string>;

const std::vector<std::string> kNames = {"app",  "num",      "ps",    "source",
                                         "tail", "severity", "format"};

struct Form {
  std::string_view name;
  std::string_view media_type;  // of Accept; of some forms empty
  LogsForm form;
};
constexpr std::array<Form, 4> kForms = {{{"text", "text/plain", LogsForm::kText},
                                         {"ndjson", "application/x-ndjson", LogsForm::kNdjson},
                                         {"sse", "text/event-stream", LogsForm::kEvents},
                                         {"sse-text", "", LogsForm::kTextEvents}}};

Error Refuse(const Parameter& parameter, std::string_view valid) {
  return Error(ErrorCode::kInvalid, parameter.first + "=" + ToUtf8(parameter.second) +
                                        ": expected " + std::string(valid));
}

Error RefuseName(const std::string& name) {
  const std::string nearest = Nearest(name, kNames);
  return Error(ErrorCode::kInvalid, "there is no parameter " + ToUtf8(name) +
                                        (nearest.empty() ? "" : "; did you mean " + nearest + "?") +
                                        "; there are " + Join(kNames, ", "));
}

std::string Upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::optional<bool> ParseSwitch(std::string_view text) {
  if (text == "1" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  return std::nullopt;
}

Status ReadParameter(const Parameter& parameter, LogsQuery& query, std::optional<LogsForm>& form,
                     std::optional<bool>& tail) {
  const auto& [name, value] = parameter;
  if (name == "app") {
    if (value.empty()) return Refuse(parameter, "a server's name or a glob such as orders-*");
    query.filter.servers.push_back(value);
  } else if (name == "num") {
    const std::optional<std::int64_t> num = ParseInt(value);
    if (!num || *num < 0 || *num > static_cast<std::int64_t>(LogsQuery::kMostLines)) {
      return Refuse(parameter, "a number from 0 to " + std::to_string(LogsQuery::kMostLines));
    }
    query.num = static_cast<std::size_t>(*num);
  } else if (name == "ps") {
    query.filter.process = value;
  } else if (name == "source") {
    query.filter.source = value;
  } else if (name == "tail") {
    tail = ParseSwitch(value);
    if (!tail) return Refuse(parameter, "1, true, 0 or false");
  } else if (name == "severity") {
    query.filter.at_least = log::ParseSeverity(Upper(value));
    if (query.filter.at_least == log::Severity::kNone) {
      return Refuse(parameter, "DEBUG, INFO, NOTICE, WARNING, LOG, ERROR, FATAL or PANIC");
    }
  } else if (name == "format") {
    const auto known = std::ranges::find(kForms, std::string_view(value), &Form::name);
    if (known == kForms.end()) return Refuse(parameter, "text, ndjson, sse or sse-text");
    form = known->form;
  } else {
    return RefuseName(name);
  }
  return {};
}

/// The first form that Accept names; text otherwise.
LogsForm Negotiate(std::string_view accept) {
  std::size_t first = std::string_view::npos;
  LogsForm form = LogsForm::kText;
  for (const Form& known : kForms) {
    const std::size_t at = known.media_type.empty() ? first : accept.find(known.media_type);
    if (at < first) {
      first = at;
      form = known.form;
    }
  }
  return form;
}

}  // namespace

Result<LogsQuery> ReadLogsQuery(const std::vector<Parameter>& parameters, std::string_view accept) {
  LogsQuery query;
  std::optional<LogsForm> form;
  std::optional<bool> tail;
  std::set<std::string_view> seen;
  for (const Parameter& parameter : parameters) {
    if (!seen.insert(parameter.first).second && parameter.first != "app") {
      return Error(ErrorCode::kInvalid, "give " + ToUtf8(parameter.first) + " once");
    }
    const Status read = ReadParameter(parameter, query, form, tail);
    if (!read.ok()) return read.error();
  }
  query.form = form.value_or(Negotiate(accept));
  query.tail = tail.value_or(query.events());  // a browser's EventSource would come back for ever
  return query;
}

}  // namespace pgbeacon::web
