#include "exporter/fanout/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.h"
#include "exporter/fanout/line_time.h"

namespace pgbeacon::fanout {
namespace {

constexpr std::int64_t kMicroseconds = 1'000'000;

/// The text without the line feeds at its end, which part it from nothing.
std::string_view Body(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// Takes the first line off a text, without its CR.
std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

void AppendText(const Entry& entry, std::size_t skip, std::string& out) {
  std::string_view rest = Body(entry.text);
  do {
    const std::string_view line = TakeLine(rest);
    if (skip > 0) {
      --skip;
      continue;
    }
    out.append(entry.time).append(" ").append(entry.source);
    if (!entry.process.empty()) out.append("[").append(entry.process).append("]");
    out.append(": ").append(line).append("\n");
  } while (!rest.empty());
}

std::size_t TextLines(const Entry& entry) {
  return static_cast<std::size_t>(std::ranges::count(Body(entry.text), '\n')) + 1;
}

void AppendJson(const Entry& entry, std::string& out) {
  boost::json::object line;
  const auto add = [&line](const char* name, std::string_view value) {
    if (!value.empty()) line[name] = ToUtf8(value);
  };
  add("time", entry.time);
  add("server", entry.server);
  add("source", entry.source);
  add("process", entry.process);
  add("severity", log::SeverityName(entry.severity));
  if (entry.level >= 0) line["level"] = entry.level;
  line["text"] = ToUtf8(Body(entry.text));
  out += boost::json::serialize(line);
  out += '\n';
}

void AppendEvent(std::uint64_t number, std::string_view data, std::string& out) {
  if (number != 0) out.append("id: ").append(std::to_string(number)).append("\n");
  data = Body(data);
  do {
    out.append("data: ").append(TakeLine(data)).append("\n");
  } while (!data.empty());
  out += '\n';
}

std::string DroppedNotice(std::uint64_t lines, std::int64_t since_unix) {
  return fmt::format(
      "Error L11 (Tail buffer overflow) -> This tail session dropped {} messages since {}.", lines,
      FormatLineTime(since_unix * kMicroseconds));
}

}  // namespace pgbeacon::fanout
