#include "exporter/fanout/drain_buffer.h"

#include <algorithm>

namespace pgbeacon::fanout {

std::uint64_t DrainBuffer::Add(EntryPtr entry, std::int64_t now_unix) {
  bytes_ += entry->bytes();
  entries_.push_back(std::move(entry));
  return Shrink(now_unix);
}

std::uint64_t DrainBuffer::PutBack(const std::vector<EntryPtr>& entries, std::int64_t now_unix) {
  for (const EntryPtr& entry : entries) bytes_ += entry->bytes();
  entries_.insert(entries_.begin(), entries.begin(), entries.end());
  return Shrink(now_unix);
}

void DrainBuffer::AddLoss(Loss loss) {
  if (loss.lines == 0) return;
  loss_.since_unix =
      loss_.lines == 0 ? loss.since_unix : std::min(loss_.since_unix, loss.since_unix);
  loss_.lines += loss.lines;
}

EntryPtr DrainBuffer::Take() {
  EntryPtr entry = std::move(entries_.front());
  entries_.pop_front();
  bytes_ -= entry->bytes();
  return entry;
}

std::uint64_t DrainBuffer::Shrink(std::int64_t now_unix) {
  Loss gone;
  gone.since_unix = now_unix;
  while (!entries_.empty() && (entries_.size() > most_lines_ || bytes_ > most_bytes_)) {
    Take();
    ++gone.lines;
  }
  AddLoss(gone);
  return gone.lines;
}

}  // namespace pgbeacon::fanout
