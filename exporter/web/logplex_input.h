// LogplexInput: POST /logplex, what Heroku's Logplex (and log-shuttle, and whoever speaks
// application/logplex-1) delivers to. A delivery is answered 200 once it is on disk.
//
// Example:
//   LogplexInput input(io.get_executor(), pool, {.tokens_file = "/etc/pgbeacon/drains"},
//                      [&](ingest::Delivery delivery, ingest::OnTaken taken) { ... });
//   input.Serve(server);
//   input.AppendFamilies(page);
//
// What Logplex does with an answer decides what may be answered: it drops the whole frame for good
// on 400 to 499 but 429, and sends it again, twice, on anything else. So no content is ever
// refused; see docs/logplex.md for each status.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/families.h"
#include "exporter/http/server.h"
#include "exporter/ingest/delivery.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::web {

struct LogplexOptions {
  bool closed = false;           ///< who may deliver is not known: 503 for everyone
  std::string tokens_file;       ///< drain token -> server; empty: every drain is accepted
  std::string credentials_file;  ///< user:password; empty: not asked for
  std::size_t body_bytes = std::size_t{16} << 20;       ///< of one body, also decompressed
  std::size_t in_flight_bytes = std::size_t{64} << 20;  ///< of all bodies at once
  std::chrono::milliseconds patience{4500};             ///< Logplex' own is 5 s
};

/// Takes a delivery to the ingest thread and has `taken` called there. Any thread.
using Deliver = std::function<void(ingest::Delivery delivery, ingest::OnTaken taken)>;

/// All members are called on the executor's one thread.
class LogplexInput {
 public:
  static constexpr const char* kPath = "/logplex";

  /// `pool` outlives all requests.
  LogplexInput(net::any_io_executor executor, net::BlockingPool& pool, LogplexOptions options,
               Deliver deliver);

  /// Reads the files, tells in the log what is wrong with them or with having none, and adds the
  /// route.
  void Serve(http::Server& server);

  /// pgbeacon_logplex_*.
  void AppendFamilies(Families& families) const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the requests
};

}  // namespace pgbeacon::web
