// Logs: GET /logs, the last lines of servers' logs and, where asked for, those that follow.
//
// Example:
//   Logs logs(io.get_executor(), hub, Access(config.logs_access));
//   server.Route("GET", "/logs", [&](auto request) { return logs.Get(std::move(request)); });
#pragma once

#include <memory>

#include "exporter/fanout/hub.h"
#include "exporter/http/message.h"
#include "exporter/net/asio.h"
#include "exporter/web/access.h"
#include "exporter/web/logs_stream.h"

namespace pgbeacon::web {

/// Borrows the hub, which may go before the responses that are still being sent.
class Logs {
 public:
  Logs(net::any_io_executor executor, fanout::Hub& hub, Access access,
       LogsStream::Limits limits = LogsStream::Limits())
      : executor_(std::move(executor)), hub_(hub), access_(std::move(access)), limits_(limits) {}

  net::awaitable<http::Response> Get(std::shared_ptr<const http::Request> request);

 private:
  http::Response Answer(const http::Request& request);

  net::any_io_executor executor_;
  fanout::Hub& hub_;
  Access access_;
  LogsStream::Limits limits_;
};

}  // namespace pgbeacon::web
