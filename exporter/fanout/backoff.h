// Backoff: pauses between attempts, each up to twice the one before, with a random part so that
// many who failed together do not come back together.
//
// Example:
//   Backoff backoff(milliseconds(100), seconds(30));
//   Wait(backoff.Next());    // 50 to 100 ms, then 100 to 200 ms, ... then 15 to 30 s
//   backoff.Reset();         // after a success
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace pgbeacon::fanout {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most,
          unsigned seed = std::random_device()())
      : first_(first), most_(most), pause_(first), random_(seed) {}

  std::chrono::milliseconds Next() {
    std::uniform_int_distribution<std::chrono::milliseconds::rep> part(pause_.count() / 2,
                                                                       pause_.count());
    pause_ = std::min(2 * pause_, most_);
    return std::chrono::milliseconds(part(random_));
  }
  void Reset() { pause_ = first_; }

 private:
  const std::chrono::milliseconds first_, most_;
  std::chrono::milliseconds pause_;
  std::minstd_rand random_;
};

}  // namespace pgbeacon::fanout
