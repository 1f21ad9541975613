// CheckPages: what is served about how targets are: /checks for people and programs, /primary and
// /replica for load balancers.
//
// Example:
//   CheckPages pages(fleet);
//   pages.Serve(server);
//
// On the executor's one thread. Borrows the fleet; lives as long as the server.
#pragma once

#include <memory>
#include <string>

#include "exporter/fleet/fleet.h"
#include "exporter/http/server.h"

namespace pgbeacon::cli {

class CheckPages {
 public:
  explicit CheckPages(fleet::Fleet& fleet) : fleet_(fleet) {}

  void Serve(http::Server& server);

 private:
  using RequestPtr = std::shared_ptr<const http::Request>;

  net::awaitable<http::Response> Checks(RequestPtr request);
  net::awaitable<http::Response> Role(RequestPtr request, bool replica);
  /// The target of the request, the main one where it names none; null with a refusal.
  std::shared_ptr<fleet::Watched> Find(const http::Request& request, http::Response& refusal) const;

  fleet::Fleet& fleet_;
};

}  // namespace pgbeacon::cli
