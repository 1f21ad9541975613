#include "exporter/config/web_config.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <iterator>

#include "base/shown.h"
#include "base/text.h"
#include "exporter/net/regular_file.h"

namespace pgbeacon::config {
namespace {

using net::ClientAuth;
using net::TlsPart;

constexpr std::size_t kHashSize = 60;
constexpr std::size_t kSaltAt = 7;
constexpr int kLeastBcryptCost = 4;

struct NamedVersion {
  std::string_view name;
  int version;
};
constexpr std::array<NamedVersion, 4> kVersions = {{{"TLS10", TLS1_VERSION},
                                                    {"TLS11", TLS1_1_VERSION},
                                                    {"TLS12", TLS1_2_VERSION},
                                                    {"TLS13", TLS1_3_VERSION}}};

struct NamedAuth {
  std::string_view name;
  ClientAuth auth;
};
constexpr std::array<NamedAuth, 6> kAuths = {
    {{"NoClientCert", ClientAuth::kNone},
     {"RequestClientCert", ClientAuth::kRequest},
     {"RequireAnyClientCert", ClientAuth::kRequireAny},
     {"RequireClientCert", ClientAuth::kRequireAny},  // its name in the format's first version
     {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
     {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}}};

/// Go's name of a curve and OpenSSL's.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kCurves = {
    {{"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}, {"X25519", "X25519"}}};

/// Those that Go has for a server: the names of the format.
constexpr std::array<std::string_view, 17> kCiphers = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA"};
constexpr std::size_t kTls13Ciphers = 3;  // of those, the first

/// The headers that may be set, each with the values that it may have; none: any.
struct KnownHeader {
  std::string_view name;
  std::array<std::string_view, 2> values;
};
constexpr std::array<KnownHeader, 5> kHeaders = {
    {{"Strict-Transport-Security", {}},
     {"X-Content-Type-Options", {"nosniff", "nosniff"}},
     {"X-Frame-Options", {"deny", "sameorigin"}},
     {"X-XSS-Protection", {}},
     {"Content-Security-Policy", {}}}};

template <class Table, class Name>
std::string NamesOf(const Table& table, Name name) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(std::invoke(name, entry));
  return Join(names, ", ");
}

void AppendPart(std::string& list, std::string_view part) {
  if (!list.empty()) list += ':';
  list += part;
}

/// Reads one file into a WebConfig.
class Reader {
 public:
  Reader(const std::string& file, WebConfig& config)
      : folder_(std::filesystem::path(file).parent_path()), config_(config) {}

  void Read(YamlMap& root) {
    if (std::optional<YamlMap> tls = root.Map("tls_server_config")) {
      ReadTls(*tls);
      tls->Finish();
    }
    if (std::optional<YamlMap> http = root.Map("http_server_config")) {
      ReadHttp(*http);
      http->Finish();
    }
    if (std::optional<YamlMap> limit = root.Map("rate_limit")) {
      ReadRateLimit(*limit);
      limit->Finish();
    }
    if (std::optional<YamlMap> users = root.Map("basic_auth_users")) ReadUsers(*users);
    root.Finish();
  }

 private:
  void Note(const YamlMap& map, const char* key, const std::string& text) {
    config_.notes.push_back(map.Where(key) + ": " + key + ": " + text);
  }

  /// A file wins over text, as elsewhere.
  net::Pem ReadPem(YamlMap& map, const char* key, const char* file_key, TlsPart part) {
    net::Pem pem;
    pem.text = map.String(key).value_or("");
    pem.file = map.String(file_key).value_or("");
    config_.where[part] = pem.file.empty() ? map.Where(key) + ": " + key + ": "
                                           : map.Where(file_key) + ": " + file_key + ": ";
    if (pem.file.empty()) return pem;
    if (!pem.text.empty()) Note(map, key, std::string("not used, since there is ") + file_key);
    pem.text.clear();
    pem.file = (folder_ / pem.file).string();
    return pem;
  }

  std::optional<int> ReadVersion(YamlMap& map, const char* key) {
    const std::optional<std::string> name = map.String(key);
    if (!name) return std::nullopt;
    const auto* found = std::ranges::find(kVersions, *name, &NamedVersion::name);
    if (found != kVersions.end()) return found->version;
    map.Fail(key,
             std::string(key) + ": expected one of " + NamesOf(kVersions, &NamedVersion::name));
    return std::nullopt;
  }

  void ReadVersions(YamlMap& map, net::TlsSettings& tls) {
    const int least = ReadVersion(map, "min_version").value_or(TLS1_2_VERSION);
    tls.max_version = ReadVersion(map, "max_version").value_or(TLS1_3_VERSION);
    tls.min_version = std::max(least, TLS1_2_VERSION);
    if (least < TLS1_2_VERSION) {
      Note(map, "min_version", "TLS 1.0 and 1.1 are not served; TLS 1.2 is the least");
    }
    if (tls.max_version < TLS1_2_VERSION) {
      map.Fail("max_version",
               "max_version: TLS 1.0 and 1.1 are not served; expected TLS12 or TLS13");
    } else if (tls.max_version < tls.min_version) {
      map.Fail("max_version", "max_version: below min_version, so that there is none");
    }
  }

  void ReadCiphers(YamlMap& map, net::TlsSettings& tls) {
    config_.where[TlsPart::kCiphers] = map.Where("cipher_suites") + ": cipher_suites: ";
    for (const std::string& name : map.Strings("cipher_suites")) {
      const auto* found = std::ranges::find(kCiphers, name);
      if (found == kCiphers.end()) {
        const std::string nearest = Nearest(name, {kCiphers.begin(), kCiphers.end()});
        map.Fail("cipher_suites", "cipher_suites: unknown cipher" +
                                      (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
      } else if (found < kCiphers.begin() + kTls13Ciphers) {
        AppendPart(tls.tls13_ciphers, name);
      } else {
        AppendPart(tls.ciphers, OPENSSL_cipher_name(name.c_str()));
      }
    }
    // With ciphers of TLS 1.3 alone there is none left for TLS 1.2.
    if (tls.ciphers.empty() && !tls.tls13_ciphers.empty()) {
      if (tls.max_version < TLS1_3_VERSION) {
        map.Fail("cipher_suites", "cipher_suites: none of them is of TLS 1.2, the latest allowed");
      }
      tls.min_version = TLS1_3_VERSION;
    }
  }

  void ReadCurves(YamlMap& map, net::TlsSettings& tls) {
    config_.where[TlsPart::kCurves] = map.Where("curve_preferences") + ": curve_preferences: ";
    for (const std::string& name : map.Strings("curve_preferences")) {
      const auto* found = std::ranges::find(kCurves, name, [](const auto& c) { return c.first; });
      if (found == kCurves.end()) {
        map.Fail("curve_preferences", "curve_preferences: expected " +
                                          NamesOf(kCurves, [](const auto& c) { return c.first; }));
      } else {
        AppendPart(tls.curves, found->second);
      }
    }
  }

  void ReadClients(YamlMap& map, net::TlsSettings& tls, bool asked) {
    const std::string name = map.String("client_auth_type").value_or("");
    const auto* auth = std::ranges::find(kAuths, name, &NamedAuth::name);
    if (auth != kAuths.end()) {
      tls.client_auth = auth->auth;
    } else if (!name.empty()) {
      map.Fail("client_auth_type",
               "client_auth_type: expected one of " + NamesOf(kAuths, &NamedAuth::name));
      return;
    }
    const char* ca = tls.client_ca.file.empty() ? "client_ca" : "client_ca_file";
    if (tls.client_auth == ClientAuth::kNone && asked) {
      map.Fail(ca, std::string(ca) +
                       ": of no use without client_auth_type: "
                       "RequireAndVerifyClientCert");
    }
    if (tls.client_auth == ClientAuth::kNone && !tls.client_sans.empty()) {
      Note(map, "client_allowed_sans", "of no use without client_auth_type: nobody is asked");
    }
    if (tls.client_auth == ClientAuth::kRequest || tls.client_auth == ClientAuth::kRequireAny) {
      Note(map, "client_auth_type",
           name + " takes any certificate; RequireAndVerifyClientCert keeps strangers out");
    }
    const bool verifies = tls.client_auth == ClientAuth::kVerifyIfGiven ||
                          tls.client_auth == ClientAuth::kRequireAndVerify;
    if (verifies && tls.client_ca.empty()) {
      Note(
          map, "client_auth_type",
          "without client_ca_file the authorities that this machine trusts for all purposes count");
    }
  }

  void ReadTls(YamlMap& map) {
    net::TlsSettings tls;
    tls.cert = ReadPem(map, "cert", "cert_file", TlsPart::kCert);
    tls.key = ReadPem(map, "key", "key_file", TlsPart::kKey);
    tls.client_ca = ReadPem(map, "client_ca", "client_ca_file", TlsPart::kClientCa);
    tls.client_sans = map.Strings("client_allowed_sans");
    ReadVersions(map, tls);
    ReadCiphers(map, tls);
    ReadCurves(map, tls);
    tls.prefer_server_ciphers = map.Bool("prefer_server_cipher_suites").value_or(true);
    const bool authorities = !tls.client_ca.empty();
    ReadClients(map, tls, authorities);
    const bool wanted = !tls.cert.empty() || !tls.key.empty() || authorities ||
                        !map.String("client_auth_type").value_or("").empty();
    if (!wanted) return;
    if (tls.cert.empty()) map.Fail("cert_file", "cert_file: required for TLS (or cert, in place)");
    if (tls.key.empty()) map.Fail("key_file", "key_file: required for TLS (or key, in place)");
    config_.tls = std::move(tls);
  }

  void ReadHttp(YamlMap& map) {
    if (map.Bool("http2").value_or(false)) {
      Note(map, "http2", "HTTP/2 is not served; clients get HTTP/1.1");
    }
    std::optional<YamlMap> headers = map.Map("headers");
    if (!headers) return;
    for (const auto& [name, ignored] : headers->value().members) ReadHeader(*headers, name);
  }

  void ReadHeader(YamlMap& map, const std::string& name) {
    const auto* known = std::ranges::find(kHeaders, name, &KnownHeader::name);
    if (known == kHeaders.end()) {
      map.Fail(name, "headers: " + ShownKey(name) + " cannot be set; expected " +
                         NamesOf(kHeaders, &KnownHeader::name));
      return;
    }
    const std::string value = map.String(name).value_or("");
    const auto& [first, second] = known->values;
    if (!first.empty() && value != first && value != second) {
      map.Fail(name, "headers: " + name + ": expected " + std::string(first) +
                         (first == second ? "" : " or " + std::string(second)));
      return;
    }
    const auto control = [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7F; };
    if (std::ranges::any_of(value, control)) {
      map.Fail(name, "headers: " + name + ": the value has a control character or a line end");
      return;
    }
    if (!value.empty()) config_.headers.emplace_back(name, value);
  }

  void ReadRateLimit(YamlMap& map) {
    const std::size_t before = map.mistakes();
    WebRateLimit limit;
    limit.interval = map.Time("interval").value_or(std::chrono::milliseconds(0));
    const std::int64_t burst = map.Int("burst").value_or(0);
    if (map.mistakes() > before || limit.interval.count() == 0) return;
    constexpr std::int64_t kMostBurst = 1'000'000;
    if (burst < 1 || burst > kMostBurst) {
      map.Fail("burst", "burst: expected a number from 1 to 1000000; with less nobody is answered");
      return;
    }
    limit.burst = static_cast<int>(burst);
    config_.rate_limit = limit;
  }

  void ReadUsers(YamlMap& map) {
    for (const auto& [name, ignored] : map.value().members) {
      const std::string hash = map.String(name).value_or("");
      const bool login = name.find(':') != std::string::npos;  // USER:PASSWORD, by mistake
      const std::string user = login ? "a name with ':'" : Shown(name);
      const std::optional<int> cost = BcryptCost(hash);
      if (!cost) {
        map.Fail(name, "basic_auth_users: " + user +
                           ": expected a bcrypt hash such as `htpasswd -nB` prints "
                           "($2y$10$ and 53 characters)");
      } else if (*cost > kMostBcryptCost) {
        map.Fail(name, "basic_auth_users: " + user + ": the hash has a cost of " +
                           std::to_string(*cost) + "; at most " + std::to_string(kMostBcryptCost) +
                           ", else each login takes minutes");
      } else {
        config_.users[name] = hash;
      }
    }
  }

  const std::filesystem::path folder_;
  WebConfig& config_;
};

}  // namespace

std::vector<std::string> WebConfig::Files() const {
  if (!tls) return {};
  return {tls->cert.file, tls->key.file, tls->client_ca.file};
}

std::optional<int> BcryptCost(std::string_view hash) {
  const auto in_alphabet = [](unsigned char c) {
    return (c >= '.' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  const bool form = hash.size() == kHashSize && hash.starts_with("$2") && hash[3] == '$' &&
                    std::string_view("aby").find(hash[2]) != std::string_view::npos &&
                    hash[6] == '$' && std::ranges::all_of(hash.substr(kSaltAt), in_alphabet);
  if (!form) return std::nullopt;
  const std::optional<std::int64_t> cost = ParseInt(hash.substr(4, 2));
  constexpr int kMostThere = 31;
  if (!cost || *cost < kLeastBcryptCost || *cost > kMostThere) return std::nullopt;
  return static_cast<int>(*cost);
}

WebConfig ReadWebConfig(std::string_view text, const std::string& file, YamlErrors& errors) {
  WebConfig config;
  YamlMap root = ReadYaml(text, file, errors);
  Reader(file, config).Read(root);
  return config;
}

WebConfig LoadWebConfig(const std::string& file, YamlErrors& errors) {
  const Result<std::string> text = net::ReadRegularFile(file);
  if (!text.ok()) {
    errors.Add(text.error().message);
    return {};
  }
  WebConfig config = ReadWebConfig(*text, file, errors);
  if (!config.tls || config.tls->cert.empty() || config.tls->key.empty()) return config;
  std::vector<net::TlsMistake> mistakes;
  config.tls_context = net::TlsContext::Make(*config.tls, mistakes);
  for (const net::TlsMistake& mistake : mistakes) {
    errors.Add(config.where[mistake.part] + mistake.message);
  }
  return config;
}

}  // namespace pgbeacon::config
