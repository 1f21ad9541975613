#include "exporter/ingest/authority.h"

#include <algorithm>

namespace pgbeacon::ingest {

int Authority::RankOf(log::FormKind form) {
  switch (form) {
    case log::FormKind::kJson:
      return 2;
    case log::FormKind::kCsv:
      return 1;
    case log::FormKind::kAuto:
    case log::FormKind::kStderr:
    case log::FormKind::kSyslog:
      return 0;
    case log::FormKind::kHeroku:
    case log::FormKind::kPgbouncer:
      return -1;
  }
  return -1;
}

void Authority::Note(log::FormKind form, std::int64_t modified_ns) {
  const int rank = RankOf(form);
  if (rank < 0) return;
  std::int64_t& newest = newest_ns_[static_cast<std::size_t>(rank)];
  newest = std::max(newest, modified_ns);
  Judge();
}

bool Authority::Take(log::FormKind form, bool live) {
  const int rank = RankOf(form);
  if (rank < 0) return true;
  if (rank > rank_ && live) {
    newest_ns_[static_cast<std::size_t>(rank)] = *std::ranges::max_element(newest_ns_);
    rank_ = rank;
  }
  if (rank != rank_) return false;
  taken_ = std::max(taken_, rank);
  return true;
}

void Authority::Judge() {
  const std::int64_t stale = std::chrono::nanoseconds(kStale).count();
  const std::int64_t newest = *std::ranges::max_element(newest_ns_);
  rank_ = kRanks - 1;
  while (rank_ > 0 && (newest_ns_[static_cast<std::size_t>(rank_)] == 0 ||
                       newest_ns_[static_cast<std::size_t>(rank_)] < newest - stale)) {
    --rank_;
  }
}

}  // namespace pgbeacon::ingest
