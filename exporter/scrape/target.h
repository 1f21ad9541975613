// Target: one PostgreSQL server as pgbeacon watches it. It owns at most two connections, runs the
// collectors' plan when a scrape asks, and says truthfully what could not be had.
//
// Example:
//   Target target(io.get_executor(), pool, catalogue, options);
//   Families page = co_await target.Scrape(deadline);   // always answers by the deadline
//
// All members are called on the executor's one thread. The catalogue must live until the executor
// has run what Close leaves or is gone; the pool must be destroyed (joined) before the executor.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/families.h"
#include "base/result.h"
#include "collectors/engine/plan.h"
#include "exporter/net/asio.h"
#include "exporter/net/lanes.h"
#include "exporter/scrape/discovery.h"
#include "exporter/scrape/naming.h"
#include "exporter/scrape/only.h"
#include "exporter/scrape/role.h"

namespace pgbeacon::scrape {

class SharedPlans;

struct TargetOptions {
  std::string name;           ///< value of the `server` label
  std::string conninfo;       ///< libpq connection string, keyword/value or URI
  std::string password_file;  ///< read at each connect; empty: none
  std::string user_file;      ///< same (DATA_SOURCE_USER_FILE)
  collectors::Selection selection;
  Naming naming;
  Discovery discovery;
  bool refuse_superuser = false;  ///< or one that has CREATEROLE
  bool sampling = false;          ///< whether collectors with `sample` are asked between scrapes
  std::chrono::milliseconds connect_timeout{5000};
  /// The connection of the scrapes is made anew after this.
  std::chrono::milliseconds connection_max_age{std::chrono::hours(1)};
  std::shared_ptr<const void> owner;   ///< of the catalogue, where it may go before the executor
  std::shared_ptr<SharedPlans> plans;  ///< those of other targets; null: shared with none
};

/// One line of `pgbeacon explain`.
struct Explained {
  std::string collector;
  bool on = false;
  std::string sql;  ///< as sent
  std::size_t rows = 0;
  std::size_t series = 0;
  double seconds = 0;
  std::string reason;  ///< why off, or the error
};

/// What a server answered to collectors that are no part of its pages.
struct Asked {
  collectors::ServerFacts facts;
  Families families;  ///< without those of collectors that failed or are not for this server
};

class Target {
 public:
  Target(net::any_io_executor executor, net::Lanes lanes, const collectors::Catalogue& catalogue,
         TargetOptions options);
  /// All connects on the threads of one pool.
  Target(net::any_io_executor executor, net::BlockingPool& pool,
         const collectors::Catalogue& catalogue, TargetOptions options)
      : Target(std::move(executor), net::Lanes{&pool, &pool}, catalogue, std::move(options)) {}
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  /// One page of this server. Scrapes that come during a run join it, each answered at its own
  /// deadline with what is done by then; what is not is marked failed. Never throws, never fails.
  /// `only`: the collectors that are asked and shown.
  net::awaitable<Families> Scrape(TimePoint deadline, Only only = {});

  /// Runs every collector of the plan once, one after the other, and reports on each. An Error
  /// when the server cannot be reached.
  net::awaitable<Result<std::vector<Explained>>> Explain(TimePoint deadline);

  /// Runs the collectors of `more`, which outlives the call, once over the connection of the
  /// scrapes. Waits for a run that is under way, as the next one waits for this. An Error when the
  /// server cannot be asked.
  net::awaitable<Result<Asked>> Ask(const collectors::Catalogue& more, TimePoint deadline);

  /// The server's role, from a question of its own every second that goes on for 30 s after this.
  /// Waits for an answer where the last one is older than 2 s; unknown where that is older than 5.
  net::awaitable<RoleSeen> Role(TimePoint deadline);

  /// Called with the facts after each connect and after each change of role, version or identity.
  void OnFacts(std::function<void(const collectors::ServerFacts&)> listener);

  /// Whether a first run has ended, up or not (for /-/ready).
  bool attempted() const;
  const std::string& name() const;

  /// Closes the connections and ends what is running.
  net::awaitable<void> Close();

 private:
  class State;
  std::shared_ptr<State> state_;  // shared with running coroutines, which may outlive a scrape
};

}  // namespace pgbeacon::scrape
