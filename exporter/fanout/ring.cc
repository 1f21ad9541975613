#include "exporter/fanout/ring.h"

#include <utility>

namespace pgbeacon::fanout {

bool Ring::Push(EntryPtr entry, std::size_t most) {
  bytes_ += entry->bytes();
  newest_ = entry->number;
  EntryPtr oldest;  // freed when the lock is
  {
    const MutexLock lock(mutex_);
    if (entries_.size() >= most) {
      oldest = std::move(entries_.front());
      entries_.pop_front();
    }
    entries_.push_back(std::move(entry));
  }
  if (!oldest) return false;
  bytes_ -= oldest->bytes();
  return true;
}

bool Ring::DropOldest() {
  EntryPtr oldest;
  {
    const MutexLock lock(mutex_);
    if (entries_.empty()) return false;
    oldest = std::move(entries_.front());
    entries_.pop_front();
  }
  bytes_ -= oldest->bytes();
  return true;
}

std::vector<EntryPtr> Ring::Copy() const {
  const MutexLock lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

}  // namespace pgbeacon::fanout
