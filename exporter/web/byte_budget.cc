#include "exporter/web/byte_budget.h"

namespace pgbeacon::web {

ByteBudget::Room ByteBudget::Take(const std::string& drain, std::size_t bytes) {
  if (bytes == 0) return Room::kEnough;
  MutexLock lock(mutex_);
  if (bytes > most_ - taken_) return Room::kFull;
  const auto at = of_drains_.find(drain);
  const std::size_t of_drain = at == of_drains_.end() ? 0 : at->second;
  if (bytes > most_of_drain_ - of_drain) return Room::kDrainFull;
  taken_ += bytes;
  of_drains_[drain] = of_drain + bytes;
  return Room::kEnough;
}

void ByteBudget::Give(const std::string& drain, std::size_t bytes) {
  MutexLock lock(mutex_);
  taken_ -= bytes;
  const auto at = of_drains_.find(drain);
  at->second -= bytes;
  if (at->second == 0) of_drains_.erase(at);
}

std::size_t ByteBudget::taken() const {
  MutexLock lock(mutex_);
  return taken_;
}

}  // namespace pgbeacon::web
