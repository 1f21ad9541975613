// What a request to /logs asks for.
//
// Example:
//   Result<LogsQuery> query = ReadLogsQuery(request.query, request.Header("accept"));
//   if (!query.ok()) return http 400 with query.error().message;
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exporter/fanout/filter.h"

namespace pgbeacon::web {

enum class LogsForm : std::uint8_t {
  kText,       ///< as `heroku logs` prints it
  kNdjson,     ///< an object a line
  kEvents,     ///< text/event-stream of objects
  kTextEvents  ///< text/event-stream of text
};

struct LogsQuery {
  static constexpr std::size_t kMostLines = 10'000;

  fanout::Filter filter;  ///< but for what the client may see
  std::size_t num = 100;
  bool tail = false;
  LogsForm form = LogsForm::kText;

  bool events() const { return form == LogsForm::kEvents || form == LogsForm::kTextEvents; }
};

/// `parameters` as decoded from the URL. The error names the parameter and what is valid.
Result<LogsQuery> ReadLogsQuery(const std::vector<std::pair<std::string, std::string>>& parameters,
                                std::string_view accept);

}  // namespace pgbeacon::web
