// WebService: how `serve` is reached: its listeners and what protects them.
//
// Example:
//   WebService web(web_flags, flags, io.get_executor(), pool);
//   Status opened = web.Open(server);
//   web.AppendFamilies(server, page);
#pragma once

#include <memory>
#include <utility>

#include "base/families.h"
#include "base/result.h"
#include "exporter/cli/options.h"
#include "exporter/cli/web_flags.h"
#include "exporter/http/server.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/web/web_guard.h"

namespace pgbeacon::cli {

/// On the executor's one thread. Borrows all that it is made of.
class WebService {
 public:
  WebService(const WebFlags& web, const ServeFlags& flags, net::any_io_executor executor,
             net::BlockingPool& pool)
      : web_(web), flags_(flags), executor_(std::move(executor)), pool_(pool) {}

  /// Reads --web.config.file and listens. The Error tells every mistake of the file.
  Status Open(http::Server& server);

  void AppendFamilies(const http::Server& server, Families& families) const;

 private:
  Status Listen(http::Server& server);

  const WebFlags& web_;
  const ServeFlags& flags_;
  net::any_io_executor executor_;
  net::BlockingPool& pool_;
  std::shared_ptr<web::WebGuard> guard_;
};

}  // namespace pgbeacon::cli
