// Pages: what is served about targets and about pgbeacon itself: /metrics, /probe, /sd, and the
// probes of health.
//
// Example:
//   Pages pages(fleet, logs, options);
//   pages.Serve(server);
//
// On the executor's one thread. Borrows what it is made of; lives as long as the server.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "exporter/cli/log_service.h"
#include "exporter/fleet/fleet.h"
#include "exporter/http/server.h"
#include "exporter/metrics/self.h"

namespace pgbeacon::cli {

struct PageOptions {
  std::string telemetry_path;
  std::chrono::milliseconds collection_timeout{60000};
};

class Pages {
 public:
  Pages(fleet::Fleet& fleet, LogService& logs, PageOptions options)
      : fleet_(fleet), logs_(logs), options_(std::move(options)) {}

  void Serve(http::Server& server);

  /// Further families of pgbeacon itself on /metrics.
  void Show(std::function<void(Families&)> append) { append_ = std::move(append); }

  metrics::SelfStats& self() { return self_; }
  metrics::PeerStats& peer() { return peer_; }

 private:
  using RequestPtr = std::shared_ptr<const http::Request>;
  using Member = net::awaitable<http::Response> (Pages::*)(RequestPtr);

  void Route(http::Server& server, const std::string& path, Member member);
  net::awaitable<http::Response> Metrics(RequestPtr request);
  net::awaitable<http::Response> Probe(RequestPtr request);
  net::awaitable<http::Response> Sd(RequestPtr request);
  net::awaitable<http::Response> Healthy(RequestPtr request);
  net::awaitable<http::Response> Ready(RequestPtr request);
  net::awaitable<http::Response> Root(RequestPtr request);

  fleet::Asked ToAsked(const http::Request& request, scrape::Only only) const;
  http::Response Write(const http::Request& request, Families page);

  fleet::Fleet& fleet_;
  LogService& logs_;
  PageOptions options_;
  std::function<void(Families&)> append_;
  metrics::SelfStats self_;
  metrics::PeerStats peer_;
  std::size_t page_bytes_ = 0;  ///< what a page is likely to take
};

}  // namespace pgbeacon::cli
