#include "exporter/own_log/line.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <iterator>

#include "base/text.h"

namespace pgbeacon::own_log {
namespace {

/// A code point of two or three bytes that a terminal or a viewer obeys instead of showing it, and
/// how many bytes it has; 0 where there is none at `at`.
std::size_t Obeyed(std::string_view text, std::size_t at, unsigned& code) {
  const auto byte = [text, at](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  if (byte(0) == 0x7f) {
    code = 0x7f;
    return 1;
  }
  if (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) <= 0x9f) {  // C1 control characters
    code = byte(1);
    return 2;
  }
  if (byte(0) != 0xe2 || (byte(1) != 0x80 && byte(1) != 0x81)) return 0;
  code = 0x2000U + ((byte(1) & 0x3fU) << 6U) + (byte(2) & 0x3fU);
  const bool obeyed = code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
                      (code >= 0x2066 && code <= 0x2069);
  return obeyed ? 3 : 0;
}

/// As a JSON string, quotes included.
std::string Quoted(std::string_view text) {
  std::string shown(text.substr(0, kMostLineBytes));
  if (shown.size() < text.size()) {
    shown += fmt::format(" ... ({} bytes more)", text.size() - shown.size());
  }
  const std::string quoted = boost::json::serialize(boost::json::string(ToUtf8(shown)));
  std::string out;
  out.reserve(quoted.size());
  for (std::size_t at = 0; at < quoted.size();) {
    unsigned code = 0;
    const std::size_t bytes = Obeyed(quoted, at, code);
    if (bytes > 0) {
      out += fmt::format("\\u{:04x}", code);
      at += bytes;
    } else {
      out += quoted[at++];
    }
  }
  return out;
}

}  // namespace

std::string FormatLine(LineForm form, std::chrono::system_clock::time_point time,
                       std::string_view level, std::string_view text) {
  const auto since_epoch = time.time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  const std::string stamp =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                  fmt::gmtime(static_cast<std::time_t>(millis / 1000)), millis % 1000);
  if (form == LineForm::kJson) {
    return fmt::format("{{\"ts\":\"{}\",\"level\":\"{}\",\"msg\":{}}}\n", stamp, level,
                       Quoted(text));
  }
  return fmt::format("ts={} level={} msg={}\n", stamp, level, Quoted(text));
}

}  // namespace pgbeacon::own_log
