// Any bytes as frames of several senders: every field of a frame stands in its bytes, no message
// says more than the bytes held, and every frame is counted. Input: a byte of options, then frames
// between 0xff bytes, whose first byte chooses the sender.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "logparse/transport/frame.h"
#include "logparse/transport/frame_reader.h"

namespace {

using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

void CheckFields(const Frame& frame) {
  const std::string_view bytes = frame.bytes;
  for (const std::string_view view :
       {frame.time, frame.host, frame.app, frame.process, frame.id, frame.data, frame.message}) {
    if (view.empty()) continue;
    if (view.data() < bytes.data() || view.data() + view.size() > bytes.data() + bytes.size()) {
      std::abort();
    }
  }
  if (frame.level < 0 || frame.level > 7 || frame.facility < 0 || frame.facility > 23) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReaderOptions options;
  if ((data[0] & 1) != 0) options.prefix = (data[0] & 2) != 0 ? "%m [%p] %q%u@%d " : "[%p] ";
  if ((data[0] & 4) != 0) options.record_bytes = 100;
  if ((data[0] & 8) != 0) options.open_bytes = 500;
  std::size_t texts = 0;
  std::uint64_t messages = 0;
  FrameReader reader(options, [&](const Message& m) {
    ++messages;
    texts += m.text.size() + m.detail.size() + m.context.size() + m.statement.size();
  });
  std::uint64_t frames = 0;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, bytes.find('\xff'));
    bytes.remove_prefix(std::min(part.size() + 1, bytes.size()));
    if (part.empty()) continue;
    constexpr std::array<std::string_view, 4> kPeers = {"", "10.0.0.7", "10.0.0.8", "::1"};
    const Frame frame = ParseFrame(part.substr(1));
    CheckFields(frame);
    reader.Take(frame, kPeers[static_cast<unsigned char>(part[0]) % kPeers.size()]);
    if (reader.stats().lines != ++frames) std::abort();
    if (frames % 50 == 0) reader.Flush();
  }
  reader.Flush();
  if (reader.stats().messages != messages || messages > frames) std::abort();
  if (texts > 2 * size + frames) std::abort();
  return 0;
}
