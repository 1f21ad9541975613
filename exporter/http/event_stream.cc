#include "exporter/http/event_stream.h"

#include <algorithm>

namespace pgbeacon::http {

void EventStream::TakeLine(std::string_view line,
                           const std::function<void(const Event&)>& on_event) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) {
    if (has_data_) on_event(event_);
    event_ = Event();
    has_data_ = false;
    return;
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "id") event_.id = value;
  if (name != "data") return;
  if (has_data_) event_.data += '\n';
  event_.data += value;
  has_data_ = true;
  if (event_.data.size() > kMostBytes) TakeLine({}, on_event);
}

void EventStream::Feed(std::string_view bytes, const std::function<void(const Event&)>& on_event) {
  for (;;) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    line_ += bytes.substr(0, end);
    TakeLine(line_, on_event);
    line_.clear();
    bytes.remove_prefix(end + 1);
  }
  line_ += bytes.substr(0, kMostBytes - std::min(kMostBytes, line_.size()));
}

}  // namespace pgbeacon::http
