#include "exporter/config/drains.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/text.h"
#include "exporter/config/client_tls.h"
#include "logparse/message.h"

namespace pgbeacon::config {
namespace {

constexpr std::int64_t kMostLines = 1'000'000;
constexpr std::size_t kMostToken = 255;  // of a HOSTNAME

std::string ReadToken(YamlMap& map) {
  const std::optional<std::string> told = map.String("token");
  const std::optional<std::string> file = map.String("token_file");
  if (told && file) map.Fail("token_file", "give token or token_file, not both");
  if (!told && !file) return "";
  const std::string key = told ? "token" : "token_file";
  const std::size_t mistakes = map.mistakes();
  const std::string token = told ? *told : ReadFileOf(map, key, *file);
  const bool visible =
      std::ranges::all_of(token, [](unsigned char c) { return c > ' ' && c < 0x7F; });
  if (map.mistakes() == mistakes && (token.empty() || token.size() > kMostToken || !visible)) {
    map.Fail(key, key + ": expected one word such as d.01234567-89ab-cdef-0123-456789abcdef");
  }
  return token;
}

fanout::Filter ReadFilter(YamlMap& map) {
  fanout::Filter filter;
  filter.servers = map.Strings("servers");
  if (map.Has("servers") && filter.servers.empty()) {
    map.Fail("servers", "servers: an empty list sends nothing; leave it out for all");
  }
  filter.process = map.String("ps").value_or("");
  filter.source = map.String("source").value_or("");
  const auto severity = map.Choice(
      "severity", {"DEBUG", "LOG", "INFO", "NOTICE", "WARNING", "ERROR", "FATAL", "PANIC"});
  if (severity) filter.at_least = log::ParseSeverity(*severity);
  return filter;
}

std::optional<fanout::DrainOptions> ReadDrain(YamlMap& map) {
  const std::size_t mistakes = map.mistakes();
  fanout::DrainOptions drain;
  const std::string url = map.Require("url");
  if (!url.empty()) {
    Result<fanout::DrainAddress> address = fanout::ParseDrainUrl(url);
    if (!address.ok()) {
      map.Fail("url", "url: " + address.error().message);
    } else {
      drain.address = *std::move(address);
    }
  }
  const http::Url& where = drain.address.url;
  drain.name = map.String("name").value_or(where.host + ":" + std::to_string(where.port));
  if (drain.name.empty() || !IsUtf8(drain.name)) map.Fail("name", "name: expected some text");
  drain.filter = ReadFilter(map);
  drain.token = ReadToken(map);
  drain.tls = ReadClientTls(map, where.tls || map.mistakes() > mistakes,
                            "neither https:// nor syslog+tls://");
  const std::int64_t lines = map.Int("buffer").value_or(static_cast<std::int64_t>(drain.lines));
  if (lines < 1 || lines > kMostLines) {
    map.Fail("buffer", "buffer: expected lines from 1 to " + std::to_string(kMostLines));
  }
  drain.lines = static_cast<std::size_t>(lines);
  map.Finish();
  if (map.mistakes() != mistakes) return std::nullopt;
  return drain;
}

}  // namespace

std::vector<fanout::DrainOptions> ReadDrains(YamlMap& root) {
  std::vector<fanout::DrainOptions> drains;
  std::set<std::string> names;
  for (YamlMap& entry : root.Maps("drains")) {
    std::optional<fanout::DrainOptions> drain = ReadDrain(entry);
    if (!drain) continue;
    if (!names.insert(drain->name).second) {
      entry.Fail(entry.Has("name") ? "name" : "url",
                 "there is a drain of this name already; give each a name of its own");
      continue;
    }
    drains.push_back(*std::move(drain));
  }
  return drains;
}

}  // namespace pgbeacon::config
