// Fleet: all targets of this process, by name. It follows what the config says of them: a target of
// which nothing has changed keeps its connections, counters and ages.
//
// Example:
//   Fleet fleet(executor, pool, on_facts);
//   fleet.Apply({.catalogue = catalogue, .targets = targets, .main = "orders"});
//   if (std::shared_ptr<Watched> target = fleet.Find("orders")) co_await target->Page(asked);
//
// All members are called on the executor's one thread. Destroyed before the executor.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "exporter/fleet/watched.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::fleet {

/// What there is to watch.
struct Roster {
  std::shared_ptr<const collectors::Catalogue> catalogue;
  std::string shared_text;              ///< all that is said of the collectors of every target
  std::vector<WatchedOptions> targets;  ///< names differ
  std::string main;                     ///< of them, the one of /metrics; empty: none
};

class Fleet {
 public:
  /// How many targets are asked at once before anybody asks for their pages.
  static constexpr int kFirstAtOnce = 16;
  /// How many connects may block at once, on name servers that do not answer.
  static constexpr std::size_t kMostConnects = 256;

  Fleet(net::any_io_executor executor, net::BlockingPool& pool, Watched::OnFacts on_facts);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  /// Begins with new targets, lets go of those that are gone and makes anew what has changed but
  /// for labels.
  void Apply(Roster roster);

  /// Null where there is none.
  std::shared_ptr<Watched> Find(std::string_view name) const;
  std::shared_ptr<Watched> main() const { return Find(main_); }
  const std::map<std::string, std::shared_ptr<Watched>, std::less<>>& all() const { return all_; }

  /// Asks every target that has not been asked, a few at a time.
  net::awaitable<void> First(Duration patience);
  /// Whether every target has been asked once, up or not.
  bool attempted() const;

  /// Runs for the checks of those that were judged longer ago than that, a few at a time.
  net::awaitable<void> Refresh(Duration age, TimePoint deadline);

  /// Lets go of all.
  net::awaitable<void> Close();

 private:
  net::awaitable<void> FirstOfSome(Duration patience);
  using Waiting = std::shared_ptr<std::vector<std::shared_ptr<Watched>>>;
  static net::awaitable<void> RefreshSome(Waiting waiting, TimePoint deadline);
  void LetGo(std::shared_ptr<Watched> watched);

  net::any_io_executor executor_;
  net::BlockingPool& pool_;
  Watched::OnFacts on_facts_;
  net::BlockingPool untrusted_{4, kMostConnects};
  net::BlockingPool trusted_{2, kMostConnects};
  std::shared_ptr<scrape::SharedPlans> plans_;
  std::map<std::string, std::shared_ptr<Watched>, std::less<>> all_;
  std::string main_;
  std::string shared_text_;
  std::vector<std::shared_ptr<Watched>> unasked_;
};

}  // namespace pgbeacon::fleet
