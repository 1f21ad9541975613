#include <cstdlib>

#include "base/text.h"
#include "exporter/config/config.h"
#include "exporter/net/regular_file.h"

namespace pgbeacon::config {
namespace {

std::string PercentEncoded(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

/// The variable's value, or the content of the file that NAME_FILE names.
Result<std::optional<std::string>> ValueOrFile(const Environment& environment,
                                               const std::string& name) {
  const std::optional<std::string> path = environment(name + "_FILE");
  if (!path) return environment(name);
  const Result<std::string> text = net::ReadRegularFile(*path);
  if (!text.ok()) return Error(ErrorCode::kNotFound, name + "_FILE: " + text.error().message);
  return std::optional<std::string>(Trim(*text));
}

/// postgres_exporter's list: connection strings with commas between them. A comma inside of one
/// separates hosts.
std::vector<std::string> SplitNames(const std::string& text) {
  std::vector<std::string> names;
  std::size_t from = 0;
  for (std::size_t comma = text.find(','); comma != std::string::npos;
       comma = text.find(',', comma + 1)) {
    const std::string_view rest = std::string_view(text).substr(comma + 1);
    if (!rest.starts_with("postgres://") && !rest.starts_with("postgresql://")) continue;
    names.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  names.push_back(text.substr(from));
  return names;
}

Result<std::optional<Target>> FromUri(const Environment& environment) {
  const auto uri = ValueOrFile(environment, "DATA_SOURCE_URI");
  if (!uri.ok()) return uri.error();
  if (!*uri) return std::optional<Target>();
  Target target;
  std::string login;
  if (const auto user = environment("DATA_SOURCE_USER")) login = PercentEncoded(*user);
  if (const auto password = environment("DATA_SOURCE_PASS")) {
    login += ":" + PercentEncoded(*password);
  }
  target.user_file = environment("DATA_SOURCE_USER_FILE").value_or("");
  target.password_file = environment("DATA_SOURCE_PASS_FILE").value_or("");
  target.conninfo = "postgresql://" + login + (login.empty() ? "" : "@") + **uri;
  return std::optional<Target>(std::move(target));
}

}  // namespace

Environment SystemEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

Result<std::vector<Target>> TargetsFromEnvironment(const Environment& environment) {
  std::vector<Target> targets;
  if (const std::optional<std::string> names = environment("DATA_SOURCE_NAME")) {
    for (std::string& name : SplitNames(*names)) targets.push_back({.conninfo = std::move(name)});
    return targets;
  }
  Result<std::optional<Target>> from_uri = FromUri(environment);
  if (!from_uri.ok()) return from_uri.error();
  if (*from_uri) {
    targets.push_back(**std::move(from_uri));
    return targets;
  }
  const std::optional<std::string> url = environment("DATABASE_URL");
  const bool libpq = environment("PGSERVICE") || environment("PGHOST") || environment("PGHOSTADDR");
  if (url || libpq) targets.push_back({.conninfo = url.value_or("")});
  return targets;
}

}  // namespace pgbeacon::config
