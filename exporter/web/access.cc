#include "exporter/web/access.h"

#include <openssl/crypto.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "exporter/net/regular_file.h"
#include "exporter/web/credentials.h"
#include "exporter/web/secret_file.h"

namespace pgbeacon::web {
namespace {

constexpr std::size_t kDigits = 64;

bool Same(std::string_view hex, const std::string& other) {
  return hex.size() == other.size() && CRYPTO_memcmp(hex.data(), other.data(), hex.size()) == 0;
}

/// 64 digits, whatever the length of the secret.
std::string Sha256(std::string_view secret) { return HexOf(DigestOf(secret), kDigits); }

bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("localhost:") ||
         address.starts_with("[::1]") || address.starts_with("[::ffff:127.");
}

}  // namespace

std::string Access::ReadSecret(const std::string& path) {
  const Result<std::string> text = net::ReadRegularFile(path);
  if (!text.ok()) {
    if (unreadable_.insert(path).second) {
      spdlog::error("logs: access: {}; nobody gets in by it", text.error().message);
    }
    return {};
  }
  unreadable_.erase(path);
  return std::string(Trim(*text));
}

std::optional<Access::Servers> Access::Check(std::string_view authorization) {
  if (open()) return Servers();
  const std::string_view token = BearerToken(authorization);
  const std::string login = BasicLogin(authorization).value_or("");
  const std::string token_digest = Sha256(token);
  const std::string login_digest = Sha256(login);
  std::optional<Servers> servers;
  bool all = false;
  for (const config::AccessRule& rule : *rules_) {
    bool fits = false;
    if (!rule.user.empty()) {
      const std::string password = ReadSecret(rule.password_file);
      const bool same = Same(Sha256(rule.user + ":" + password), login_digest);
      fits = same && !password.empty();
    } else if (!rule.token_file.empty()) {
      const std::string secret = ReadSecret(rule.token_file);
      const bool same = Same(Sha256(secret), token_digest);
      fits = same && !secret.empty();
    } else {
      const bool same = Same(rule.token_sha256, token_digest);
      fits = same && !token.empty();
    }
    if (!fits) continue;
    if (!servers) servers.emplace();
    all = all || rule.servers.empty();
    std::ranges::copy(rule.servers, std::back_inserter(*servers));
  }
  if (all) servers->clear();
  return servers;
}

void WarnOfOpenLogs(const Access& access, const std::vector<std::string>& listen_addresses) {
  if (!access.open() || std::ranges::all_of(listen_addresses, IsLoopback)) return;
  spdlog::warn(
      "/logs can be read without a token by whoever reaches {}; configure logs: access, or listen "
      "on 127.0.0.1",
      Join(listen_addresses, ", "));
}

}  // namespace pgbeacon::web
