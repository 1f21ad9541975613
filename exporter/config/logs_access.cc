#include "exporter/config/logs_access.h"

#include <optional>
#include <utility>

#include "base/text.h"

namespace pgbeacon::config {
namespace {

constexpr std::size_t kSha256Digits = 64;

std::optional<AccessRule> ReadRule(YamlMap& map) {
  const std::size_t mistakes = map.mistakes();
  AccessRule rule;
  rule.token_file = map.String("token_file").value_or("");
  rule.token_sha256 = map.String("token_sha256").value_or("");
  rule.user = map.String("user").value_or("");
  rule.password_file = map.String("password_file").value_or("");
  rule.servers = map.Strings("servers");
  const int kinds = static_cast<int>(!rule.token_file.empty()) +
                    static_cast<int>(!rule.token_sha256.empty()) +
                    static_cast<int>(!rule.user.empty());
  if (kinds != 1) {
    map.Fail("", "give one of token_file, token_sha256, and user with password_file");
  }
  if (rule.user.empty() != rule.password_file.empty()) {
    map.Fail(rule.user.empty() ? "password_file" : "user", "user and password_file go together");
  }
  if (rule.user.find(':') != std::string::npos) map.Fail("user", "user: a colon ends the name");
  rule.token_sha256 = ToLower(std::move(rule.token_sha256));
  const bool digest = rule.token_sha256.size() == kSha256Digits &&
                      rule.token_sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!rule.token_sha256.empty() && !digest) {
    map.Fail("token_sha256",
             "token_sha256: expected 64 hexadecimal digits (printf %s TOKEN | sha256sum)");
  }
  if (map.Has("servers") && rule.servers.empty()) {
    map.Fail("servers", "servers: an empty list lets nobody read; leave it out for all");
  }
  map.Finish();
  if (map.mistakes() != mistakes) return std::nullopt;
  return rule;
}

}  // namespace

LogsAccess ReadLogsAccess(YamlMap& root) {
  const std::size_t mistakes = root.mistakes();
  std::optional<YamlMap> logs = root.Map("logs");
  LogsAccess access;
  if (logs) {
    if (logs->Has("access")) access.emplace();
    for (YamlMap& entry : logs->Maps("access")) {
      if (std::optional<AccessRule> rule = ReadRule(entry)) access->push_back(*std::move(rule));
    }
    logs->Finish();
  }
  if (!access && root.mistakes() != mistakes) access.emplace();
  return access;
}

}  // namespace pgbeacon::config
