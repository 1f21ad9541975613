// A log whose lines a platform has put into envelopes says what the log itself says, whatever it
// holds: CRI lines, docker's, CloudNativePG's and plain JSON, one inside the other, lines cut into
// pieces included. Input: the envelope, the form with options, and the size of the pieces in a byte
// each, then the log.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "logparse/reader.h"

namespace {

using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

enum Wrap : std::uint8_t { kCri, kDocker, kCnpg, kGcp, kCriDocker, kWraps };
constexpr std::string_view kTime = "2026-11-20T20:14:23.488512345Z";

// Without the envelope's time, which messages without a time of their own get.
void Add(std::string& out, const Message& m) {
  for (const std::string_view part :
       {m.time == kTime ? std::string_view() : m.time, m.sqlstate, m.pid, m.session, m.user,
        m.database, m.application, m.source, m.process, m.color, m.text, m.detail, m.hint, m.query,
        m.context, m.location, m.backtrace, m.statement}) {
    out.append(part).append(1, '\0');
  }
  out += static_cast<char>(m.severity);
  out += static_cast<char>(m.side);
}

std::string Read(std::string_view log, std::size_t piece, const ReaderOptions& options) {
  std::string out;
  Reader reader(options, [&out](const Message& m) { Add(out, m); });
  for (std::size_t i = 0; i < log.size(); i += piece) reader.Push(log.substr(i, piece));
  reader.Flush(true);
  const ReaderStats& stats = reader.stats();
  for (const std::uint64_t count : stats.unparsed) out += std::to_string(count) + ' ';
  return out + std::to_string(stats.messages);
}

void AppendJson(std::string_view text, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (static_cast<unsigned char>(c) < ' ') {
      out.append("\\u00").append(1, kDigits[c / 16]).append(1, kDigits[c % 16]);
    } else {
      out += c;
    }
  }
}

void AppendCri(std::string_view line, std::size_t piece, std::string& out) {
  while (true) {
    const std::string_view text = line.substr(0, piece);
    line.remove_prefix(text.size());
    out.append(kTime).append(line.empty() ? " stderr F " : " stderr P ").append(text);
    out += '\n';
    if (line.empty()) return;
  }
}

void AppendDocker(std::string_view line, std::string& out) {
  out += R"({"log":")";
  AppendJson(line, out);
  out.append(R"(\n","stream":"stderr","time":")").append(kTime).append("\"}");
}

std::string WrapLog(std::string_view log, Wrap wrap, std::size_t piece) {
  std::string out;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(log.size(), line.size() + 1));
    std::string inner;
    switch (wrap) {
      case kCri:
        AppendCri(line, piece, out);
        continue;
      case kCriDocker:
        AppendDocker(line, inner);
        AppendCri(inner, piece, out);
        continue;
      case kDocker:
        AppendDocker(line, out);
        break;
      case kCnpg:
        out.append(R"({"level":"info","ts":")").append(kTime);
        out += R"(","logger":"postgres","msg":")";
        AppendJson(line, out);
        out += "\"}";
        break;
      default:
        out += R"({"textPayload":")";
        AppendJson(line, out);
        out.append(R"(","timestamp":")").append(kTime).append("\"}");
        break;
    }
    out += '\n';
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  // JSON is UTF-8; a CR before the line feed is the platform's; NULs do not come this far.
  std::string log(reinterpret_cast<const char*>(data) + 3, size - 3);
  std::erase_if(log, [](char c) { return c == '\r' || c == '\0' || (c & 0x80) != 0; });
  auto wrap = static_cast<Wrap>(data[0] % kWraps);
  // An object without a text counts as one that says nothing.
  if (log.starts_with('\n') || log.find("\n\n") != std::string::npos) wrap = kDocker;
  const std::size_t piece = std::size_t{1} + data[2];
  ReaderOptions options;
  options.form = static_cast<FormKind>(data[1] % kFormKinds);
  if ((data[1] & 128) != 0) options.prefix = "%m [%p] %q%u@%d ";
  options.envelopes = 0;
  const std::string bare = Read(log, log.size() + 1, options);
  options.envelopes = wrap == kCriDocker ? 2 : 1;
  if (!log.empty() && Read(WrapLog(log, wrap, piece), piece * 16, options) != bare) std::abort();
  return 0;
}
