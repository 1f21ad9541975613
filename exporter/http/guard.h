// Guard: who may connect and ask. The server calls it on its executor's thread.
//
// Example:
//   server.Protect(web_guard);   // TLS, users and headers of --web.config.file
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/http/message.h"
#include "exporter/net/asio.h"
#include "exporter/net/tls_context.h"

namespace pgbeacon::http {

class Guard {
 public:
  virtual ~Guard() = default;

  /// Of a connection that begins; null: without TLS.
  virtual net::TlsContext::Ptr Tls() = 0;

  /// Judges a request by its header, before its body is read: a refusal, or nothing where it may
  /// go on. `own_credentials`: its route asks for credentials itself.
  virtual net::awaitable<std::optional<Response>> Judge(std::shared_ptr<const Request> request,
                                                        bool own_credentials) = 0;

  /// Headers of every response, in place of the server's own.
  virtual const std::vector<std::pair<std::string, std::string>>& headers() const = 0;

  virtual bool asks_credentials() const = 0;
};

}  // namespace pgbeacon::http
