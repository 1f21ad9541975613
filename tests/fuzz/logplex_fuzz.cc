// Any bytes as the body of a Logplex delivery: the messages stand in it one behind the other, and
// whole deliveries with right counts come back as they went in, whatever they hold.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/transport/frame.h"
#include "logparse/transport/logplex.h"

namespace {

using pgbeacon::log::LogplexBody;

void ReadAny(std::string_view bytes) {
  LogplexBody body(bytes);
  const char* end = bytes.data();
  while (const auto message = body.Next()) {
    if (message->empty() || message->data() < end) std::abort();
    end = message->data() + message->size();
    pgbeacon::log::ParseLogplexLoss(pgbeacon::log::ParseFrame(*message).message);
  }
  if (end > bytes.data() + bytes.size() || body.bad_frames() > bytes.size()) std::abort();
}

// Parts between NULs are the texts of messages.
void ReadRight(std::string_view bytes) {
  std::vector<std::string> messages;
  std::string delivery;
  while (!bytes.empty() && messages.size() < 50) {
    const std::string_view text = bytes.substr(0, bytes.find('\0'));
    bytes.remove_prefix(std::min(text.size() + 1, bytes.size()));
    messages.push_back("<134>1 2026-11-20T20:14:23+00:00 host app web.1 - " + std::string(text) +
                       "\n");
    delivery += std::to_string(messages.back().size()) + " " + messages.back();
  }
  LogplexBody body(delivery);
  for (const std::string& message : messages) {
    if (body.Next() != message) std::abort();
  }
  if (body.Next() || body.bad_frames() != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadAny(bytes);
  ReadRight(bytes);
  return 0;
}
