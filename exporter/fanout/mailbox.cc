#include "exporter/fanout/mailbox.h"

#include <utility>

#include "base/clock.h"

namespace pgbeacon::fanout {

std::uint64_t Mailbox::Put(const EntryPtr& entry) {
  std::uint64_t gone = 0;
  bool first = false;
  {
    const MutexLock lock(mutex_);
    first = waiting_.empty() && dropped_ == 0;
    waiting_.push_back(entry);
    bytes_ += entry->bytes();
    while (!waiting_.empty() && (waiting_.size() > limits_.lines || bytes_ > limits_.bytes)) {
      bytes_ -= waiting_.front()->bytes();
      waiting_.pop_front();
      ++gone;
    }
    if (gone > 0 && dropped_ == 0) {
      dropped_since_unix_ = static_cast<std::int64_t>(UnixNow());
    }
    dropped_ += gone;
  }
  if (first) on_news_();
  return gone;
}

Subscription::Batch Mailbox::Take(std::size_t most) {
  Subscription::Batch batch;
  const MutexLock lock(mutex_);
  batch.dropped = std::exchange(dropped_, 0);
  batch.dropped_since_unix = std::exchange(dropped_since_unix_, 0);
  while (!waiting_.empty() && batch.lines.size() < most) {
    bytes_ -= waiting_.front()->bytes();
    batch.lines.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return batch;
}

}  // namespace pgbeacon::fanout
