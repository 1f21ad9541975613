#include "logparse/held.h"

#include "logparse/client.h"
#include "logparse/detect.h"
#include "logparse/envelope.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kMostLines = 200;
constexpr std::size_t kMostBytes = std::size_t{64} << 10;

}  // namespace

// The part of a line that shows the server's prefix, with the label that follows it; "" where the
// line tells nothing about it.
std::string_view HeldLines::BodyOf(std::string_view line) const {
  const Envelope envelope = unwrap_(line);
  if (!envelope.from_server() || line.starts_with('\t') || IsPlatformLine(envelope)) return {};
  const bool tagged = envelope.chunk != 0 && !envelope.color.empty();
  // "[18655] " before a message of process 18655 is a prefix and no number.
  const bool pid = envelope.number != 0 && envelope.record == envelope.pid;
  std::string_view body = pid ? envelope.marked : envelope.body;
  if (!envelope.present() && !tagged) body = line;
  Message message;
  return HasLabel(body) && !UnwrapClient(body, message) ? body : std::string_view();
}

void HeldLines::Add(std::string_view line, bool cut, std::uint64_t at) {
  const std::string_view body = BodyOf(line);
  const bool carried = unwrap_(line).present();
  const bool raw = !carried && enveloped_ * 4 > labels_;
  const bool tells = !body.empty() && !raw;
  lines_.push_back({bytes_.size(), line.size(), at, cut, tells});
  bytes_.append(line);
  if (!tells) return;
  ++labels_;
  if (body.data() != line.data()) ++enveloped_;
}

bool HeldLines::Enough() const {
  return labels_ >= kLabels || lines_.size() >= kMostLines || bytes_.size() >= kMostBytes;
}

std::vector<std::string_view> HeldLines::Bodies() const {
  std::vector<std::string_view> bodies;
  for (const Line& line : lines_) {
    if (line.tells) bodies.push_back(BodyOf(LineAt(line)));
  }
  return bodies;
}

}  // namespace pgbeacon::log
