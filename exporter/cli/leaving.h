// The end of the process: on time whatever still blocks a thread, a name server or a mount that
// hangs, and by a signal from the first moment on.
//
// Example:
//   Leaving leaving;                       // before what has threads
//   ...
//   leaving.Within(milliseconds(300), 0);  // all that counts is written
#pragma once

#include <ctime>

#include <chrono>

namespace pgbeacon::cli {

class Leaving {
 public:
  /// For what is left to do when a command has ended.
  static constexpr std::chrono::milliseconds kPatience{300};

  Leaving();
  Leaving(const Leaving&) = delete;
  Leaving& operator=(const Leaving&) = delete;
  /// The process may take its time again.
  ~Leaving();

  /// Ends the process after that time with that status; the last call counts. What is printed is
  /// written first.
  void Within(std::chrono::milliseconds patience, int status);

 private:
  timer_t timer_{};
  bool made_ = false;
};

/// Until somebody else takes them, SIGINT and SIGTERM end the process with status 0 and SIGHUP
/// waits: of one that has yet to start, and may never come that far.
void TakeSignals();
/// Who takes SIGHUP is there.
void LetHangUpThrough();

}  // namespace pgbeacon::cli
