// Hub: the latest lines of every server in memory, and those who wait for more. Lines come from the
// ingest thread and are read by the I/O thread.
//
// Example:
//   Hub hub({});
//   hub.Add({.server = "orders", .source = "app", .process = "postgres.7", .text = "LOG:  hello"});
//   std::vector<EntryPtr> last = hub.Last({.servers = {"ord*"}, .process = "postgres"}, 100);
//   auto subscription = hub.Subscribe({.servers = {"orders"}}, {}, [&] { WakeMe(); });
//   Subscription::Batch batch = subscription->Take(100);
//
// No lock is held for longer than it takes to copy the pointers of one server's lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/families.h"
#include "exporter/fanout/entry.h"
#include "exporter/fanout/filter.h"
#include "exporter/fanout/line.h"

namespace pgbeacon::fanout {

struct HubOptions {
  std::size_t lines_per_server = 1500;
  /// Of all servers. Beyond, the server that holds most loses its oldest lines first, so that one
  /// flood leaves the others' lines alone.
  std::size_t bytes = std::size_t{64} << 20;
  std::size_t servers = 10'000;  ///< beyond, those that were silent for longest go
};

/// What one subscriber may leave waiting. Beyond, its oldest lines are dropped and it is told.
struct SubscriptionLimits {
  std::size_t lines = 1024;
  std::size_t bytes = std::size_t{4} << 20;
};

/// Used by one thread; dropping it ends it.
class Subscription {
 public:
  struct Batch {
    std::vector<EntryPtr> lines;
    std::uint64_t dropped = 0;  ///< before these lines, since the last Batch
    std::int64_t dropped_since_unix = 0;
  };
  virtual ~Subscription() = default;
  /// What waits, at most that many lines.
  virtual Batch Take(std::size_t most) = 0;
  /// The number of the last line before the subscription: Last() up to it and what Take() gives
  /// make one sequence without gap or overlap.
  virtual std::uint64_t begins_after() const = 0;
};

/// Members may be called from any thread; Add() by one at a time is fastest.
class Hub {
 public:
  explicit Hub(HubOptions options);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  /// Keeps a copy. Never waits for a reader.
  void Add(const Line& line);

  /// The last `most` lines that fit, oldest first; of those whose numbers are in (after, up_to].
  std::vector<EntryPtr> Last(const Filter& filter, std::size_t most, std::uint64_t after = 0,
                             std::uint64_t up_to = UINT64_MAX) const;

  /// Lines from now on. `on_news` is called on the thread of Add() when the first line waits after
  /// a Take() that left none; it must only wake somebody.
  std::unique_ptr<Subscription> Subscribe(Filter filter, SubscriptionLimits limits,
                                          std::function<void()> on_news);

  void AppendFamilies(Families& families) const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // also held by subscriptions, which may outlive the hub
};

}  // namespace pgbeacon::fanout
