// Mailbox: the lines that wait for one subscriber, the oldest dropped where it does not keep up.
//
// Example:
//   Mailbox mailbox({.process = "postgres"}, {}, [&] { WakeMe(); });
//   mailbox.Put(entry);                                  // the thread of Hub::Add()
//   Subscription::Batch batch = mailbox.Take(100);       // the subscriber's
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "base/mutex.h"
#include "exporter/fanout/hub.h"

namespace pgbeacon::fanout {

class Mailbox {
 public:
  Mailbox(Filter filter, SubscriptionLimits limits, std::function<void()> on_news)
      : filter(std::move(filter)), limits_(limits), on_news_(std::move(on_news)) {}

  /// Returns how many lines had to go for it.
  std::uint64_t Put(const EntryPtr& entry);
  Subscription::Batch Take(std::size_t most);

  const Filter filter;

 private:
  const SubscriptionLimits limits_;
  const std::function<void()> on_news_;
  Mutex mutex_;
  std::deque<EntryPtr> waiting_ PGB_GUARDED_BY(mutex_);
  std::size_t bytes_ PGB_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_ PGB_GUARDED_BY(mutex_) = 0;
  std::int64_t dropped_since_unix_ PGB_GUARDED_BY(mutex_) = 0;
};

}  // namespace pgbeacon::fanout
