#include "exporter/web/logs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "exporter/web/logs_query.h"

namespace pgbeacon::web {
namespace {

http::Response Refuse(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.body = std::move(body) + "\n";
  return response;
}

const char* ContentType(LogsForm form) {
  switch (form) {
    case LogsForm::kText:
      return "text/plain; charset=utf-8";
    case LogsForm::kNdjson:
      return "application/x-ndjson";
    case LogsForm::kEvents:
    case LogsForm::kTextEvents:
      break;
  }
  return "text/event-stream";
}

}  // namespace

http::Response Logs::Answer(const http::Request& request) {
  std::optional<Access::Servers> servers = access_.Check(request.Header("authorization"));
  if (!servers) {
    http::Response response = Refuse(401, "logs are for those with a token or a password");
    response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"pgbeacon\", Bearer");
    return response;
  }
  Result<LogsQuery> query = ReadLogsQuery(request.query, request.Header("accept"));
  if (!query.ok()) return Refuse(400, query.error().message);
  query->filter.allowed = *std::move(servers);
  const std::int64_t after = ParseInt(Trim(request.Header("last-event-id"))).value_or(0);
  http::Response response;
  response.content_type = ContentType(query->form);
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("X-Accel-Buffering", "no");  // nginx would hold lines back
  response.stream = std::make_shared<LogsStream>(
      executor_, hub_, *std::move(query),
      static_cast<std::uint64_t>(std::max<std::int64_t>(after, 0)), limits_);
  return response;
}

net::awaitable<http::Response> Logs::Get(std::shared_ptr<const http::Request> request) {
  http::Response response = Answer(*request);
  co_return response;
}

}  // namespace pgbeacon::web
