// Breaker: a server that has not let us in several times in a row is given little time from then
// on, so that it costs those who ask for its page, and the threads that resolve names, next to
// nothing. One short connect per scrape goes on, and the first that succeeds closes it.
//
// Example:
//   const TimePoint until = std::min(deadline, now + (breaker.open() ? kTrial : connect_timeout));
//   breaker.Note(connected.ok());
#pragma once

#include <chrono>

namespace pgbeacon::scrape {

class Breaker {
 public:
  static constexpr int kFailures = 3;
  static constexpr std::chrono::seconds kTrial{1};

  void Note(bool connected) { failures_ = connected ? 0 : failures_ + (open() ? 0 : 1); }
  bool open() const { return failures_ >= kFailures; }

 private:
  int failures_ = 0;
};

}  // namespace pgbeacon::scrape
