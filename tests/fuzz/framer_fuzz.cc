// Any bytes as a stream of syslog messages: the frames do not depend on how the bytes were cut, no
// frame is longer than the limit, and nothing is held that was not pushed. Input: two bytes that
// choose limit and cuts, then the stream.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "logparse/transport/framer.h"

namespace {

using pgbeacon::log::Framer;

std::string Read(std::string_view bytes, std::size_t most, std::size_t piece) {
  Framer framer(most);
  std::string out;
  std::size_t total = 0;
  const auto take = [&](std::string_view frame, bool cut) {
    if (frame.size() > most) std::abort();
    total += frame.size();
    out.append(frame).append(cut ? "\x01" : "\x02");
  };
  const std::size_t size = bytes.size();
  while (!bytes.empty()) {
    const std::string copy(bytes.substr(0, piece));
    framer.Push(copy, take);
    if (framer.held() > 2 * (most + 32)) std::abort();
    bytes.remove_prefix(copy.size());
  }
  framer.Finish(take);
  if (total > size || framer.bad_frames() > size) std::abort();
  return out + std::to_string(framer.bad_frames());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t most = 1 + data[0];
  const std::string whole = Read(bytes, most, size);
  if (Read(bytes, most, 1 + data[1]) != whole || Read(bytes, most, 1) != whole) std::abort();
  return 0;
}
