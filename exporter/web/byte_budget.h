// ByteBudget: how many bytes of bodies are held at once, in all and of one drain.
//
// Example:
//   auto budget = std::make_shared<ByteBudget>(64 << 20, 32 << 20);
//   Reservation held(budget, drain);
//   if (held.Grow(body.size()) != ByteBudget::Room::kEnough) return Busy();
//
// Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/mutex.h"

namespace pgbeacon::web {

class ByteBudget {
 public:
  enum class Room : std::uint8_t { kEnough, kDrainFull, kFull };

  ByteBudget(std::size_t most, std::size_t most_of_drain)
      : most_(most), most_of_drain_(most_of_drain) {}

  Room Take(const std::string& drain, std::size_t bytes);
  void Give(const std::string& drain, std::size_t bytes);
  std::size_t taken() const;

 private:
  const std::size_t most_;
  const std::size_t most_of_drain_;
  mutable Mutex mutex_;
  std::size_t taken_ PGB_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::size_t> of_drains_ PGB_GUARDED_BY(mutex_);  // those that hold some
};

/// What one body has of the budget, until its end.
class Reservation {
 public:
  Reservation(std::shared_ptr<ByteBudget> budget, std::string drain)
      : budget_(std::move(budget)), drain_(std::move(drain)) {}
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() {
    if (bytes_ > 0) budget_->Give(drain_, bytes_);
  }

  ByteBudget::Room Grow(std::size_t bytes) {
    const ByteBudget::Room room = budget_->Take(drain_, bytes);
    if (room == ByteBudget::Room::kEnough) bytes_ += bytes;
    return room;
  }

 private:
  const std::shared_ptr<ByteBudget> budget_;
  const std::string drain_;
  std::size_t bytes_ = 0;
};

}  // namespace pgbeacon::web
