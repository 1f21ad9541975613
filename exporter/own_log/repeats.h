// Repeats: holds back a line that is logged again and again, and tells how often it was.
//
// Example:
//   Repeats repeats;
//   for (const Repeats::Held& held : repeats.Take(now)) Write(held.level, held.Text());
//   if (repeats.Admit(level, text, now)) Write(level, text);
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace pgbeacon::own_log {

class Repeats {
 public:
  /// A line of the same level and text is written so often within a window that begins with it.
  static constexpr std::uint64_t kPerWindow = 5;
  static constexpr std::chrono::seconds kWindow{60};
  /// Lines that are remembered at once; others are written.
  static constexpr std::size_t kMostLines = 1024;

  /// What was held back of one line.
  struct Held {
    int level = 0;
    std::string line;
    std::uint64_t times = 0;
    std::string Text() const;
  };

  /// Whether the line may be written now.
  bool Admit(int level, std::string_view text, TimePoint now);
  /// What was held back in windows that are over by `now`, each told once.
  std::vector<Held> Take(TimePoint now);

 private:
  struct Window {
    TimePoint began;
    std::uint64_t lines = 0;
  };
  std::map<std::pair<int, std::string>, Window> windows_;
};

}  // namespace pgbeacon::own_log
