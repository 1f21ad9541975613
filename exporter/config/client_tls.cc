#include "exporter/config/client_tls.h"

#include <optional>

#include "base/shown.h"
#include "base/text.h"
#include "exporter/net/regular_file.h"

namespace pgbeacon::config {
namespace {

std::string ReadPath(YamlMap& map, const std::string& key) {
  const std::string path = map.String(key).value_or("");
  if (!path.empty()) ReadFileOf(map, key, path);
  return path;
}

}  // namespace

std::string ReadFileOf(YamlMap& map, const std::string& key, const std::string& path) {
  const Result<std::string> text = net::ReadRegularFile(path, ShownPath(path));
  if (text.ok()) return std::string(Trim(*text));
  map.Fail(key, key + ": " + text.error().message);
  return "";
}

net::ClientTls ReadClientTls(YamlMap& map, bool tls, const std::string& schemes) {
  net::ClientTls files;
  std::optional<YamlMap> entry = map.Map("tls");
  if (!entry) return files;
  if (!tls) map.Fail("tls", "tls: the url is " + schemes);
  files.ca_file = ReadPath(*entry, "ca");
  files.cert_file = ReadPath(*entry, "cert");
  files.key_file = ReadPath(*entry, "key");
  files.verify = entry->Bool("verify").value_or(true);
  if (files.cert_file.empty() && !files.key_file.empty()) {
    entry->Fail("key", "key: there is no cert that it belongs to");
  }
  entry->Finish();
  return files;
}

}  // namespace pgbeacon::config
