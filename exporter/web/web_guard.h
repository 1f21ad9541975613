// WebGuard: TLS, users, headers and the rate limit of --web.config.file, read again when the file
// or what it names has changed.
//
// Example:
//   YamlErrors errors;
//   auto guard = WebGuard::Open(io.get_executor(), pool, {.file = "web.yml"}, errors);
//   if (!guard) Tell(errors);
//   server.Protect(guard);
//
// What protects is never taken away by a file: one with a mistake, or without the TLS or the users
// that there were, is told in the log and changes nothing.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/yaml.h"
#include "exporter/config/web_config.h"
#include "exporter/http/guard.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/web/passwords.h"
#include "exporter/web/web_figures.h"

namespace pgbeacon::web {

struct WebGuardOptions {
  std::string file;
  std::set<std::string, std::less<>> open_paths = {"/-/healthy"};  ///< need no user
};

/// All members are called on the executor's one thread.
class WebGuard : public http::Guard {
 public:
  /// `pool` outlives all requests. Null where the file has mistakes.
  static std::shared_ptr<WebGuard> Open(net::any_io_executor executor, net::BlockingPool& pool,
                                        WebGuardOptions options, YamlErrors& errors);

  net::TlsContext::Ptr Tls() override;
  net::awaitable<std::optional<http::Response>> Judge(std::shared_ptr<const http::Request> request,
                                                      bool own_credentials) override;
  const std::vector<std::pair<std::string, std::string>>& headers() const override {
    return config_.headers;
  }
  bool asks_credentials() const override { return !config_.users.empty(); }

  /// Reads the file again if it has changed, or what it names has.
  void Refresh();

  GuardFigures figures() const;

 private:
  WebGuard(net::any_io_executor executor, net::BlockingPool& pool, WebGuardOptions options);
  std::string Stamp() const;
  void Take(config::WebConfig config);
  bool WithinRate();
  std::optional<http::Response> Count(Login login);

  const WebGuardOptions options_;
  Passwords passwords_;
  config::WebConfig config_;
  std::vector<std::string> watched_;  // besides the file: what the last one read names
  std::string stamp_;
  double tokens_ = 0;  // of the rate limit
  TimePoint tokens_at_;
  GuardFigures figures_;
};

}  // namespace pgbeacon::web
