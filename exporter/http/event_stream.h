// EventStream: what a client makes of text/event-stream, byte by byte as it comes.
//
// Example:
//   EventStream events;
//   events.Feed(piece, [](const Event& event) { Show(event.data); });
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace pgbeacon::http {

struct Event {
  std::string id;    ///< empty: none
  std::string data;  ///< several lines are parted by LF
};

class EventStream {
 public:
  /// An event beyond that is given in parts.
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

  /// Calls `on_event` for every event that is complete.
  void Feed(std::string_view bytes, const std::function<void(const Event&)>& on_event);

 private:
  void TakeLine(std::string_view line, const std::function<void(const Event&)>& on_event);

  std::string line_;  // not yet complete
  Event event_;
  bool has_data_ = false;
};

}  // namespace pgbeacon::http
