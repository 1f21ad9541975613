#include "exporter/own_log/repeats.h"

namespace pgbeacon::own_log {

std::string Repeats::Held::Text() const {
  return "held back " + std::to_string(times) + " repeats of: " + line;
}

bool Repeats::Admit(int level, std::string_view text, TimePoint now) {
  std::pair<int, std::string> key(level, text);
  const auto known = windows_.find(key);
  if (known != windows_.end()) return ++known->second.lines <= kPerWindow;
  if (windows_.size() < kMostLines) windows_.emplace(std::move(key), Window{now, 1});
  return true;
}

std::vector<Repeats::Held> Repeats::Take(TimePoint now) {
  std::vector<Held> held;
  for (auto it = windows_.begin(); it != windows_.end();) {
    const auto& [key, window] = *it;
    if (now - window.began < kWindow) {
      ++it;
      continue;
    }
    if (window.lines > kPerWindow) {
      held.push_back({key.first, key.second, window.lines - kPerWindow});
    }
    it = windows_.erase(it);
  }
  return held;
}

}  // namespace pgbeacon::own_log
