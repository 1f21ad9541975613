#include "exporter/cli/web_service.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "exporter/net/systemd_sockets.h"
#include "exporter/web/web_figures.h"

namespace pgbeacon::cli {

Status WebService::Open(http::Server& server) {
  if (!web_.config_file.empty()) {
    web::WebGuardOptions options;
    options.file = web_.config_file;
    options.open_paths.insert(web_.open_endpoints.begin(), web_.open_endpoints.end());
    YamlErrors errors;
    guard_ = web::WebGuard::Open(executor_, pool_, std::move(options), errors);
    if (!guard_) return errors.ToError();
    server.Protect(guard_);
  }
  const Status listening = Listen(server);
  if (!listening.ok()) return listening;
  const bool tls = guard_ && guard_->Tls() != nullptr;
  for (const std::string& address : server.addresses()) {
    spdlog::info("listening on {}://{}{} address={}", tls ? "https" : "http", address,
                 flags_.telemetry_path, address);
  }
  return {};
}

Status WebService::Listen(http::Server& server) {
  if (web_.systemd_socket) {
    Result<std::vector<net::Descriptor>> sockets = net::TakeSystemdSockets();
    if (!sockets.ok()) return sockets.error();
    for (net::Descriptor& socket : *sockets) server.Listen(std::move(socket));
    return {};
  }
  for (const std::string& address : flags_.listen) {
    const Status listening = server.Listen(address);
    if (!listening.ok()) return listening;
  }
  return {};
}

void WebService::AppendFamilies(const http::Server& server, Families& families) const {
  web::AppendFamilies(server.figures(), families);
  if (guard_) web::AppendFamilies(guard_->figures(), families);
}

}  // namespace pgbeacon::cli
