// The key `tls` of what connects to others: {ca, cert, key, verify}.
#pragma once

#include <string>

#include "base/yaml.h"
#include "exporter/net/client_tls.h"

namespace pgbeacon::config {

/// A file's text without blanks around it; one that cannot be read is a mistake.
std::string ReadFileOf(YamlMap& map, const std::string& key, const std::string& path);

/// The caller's `tls`. Files that cannot be read are mistakes, and so is the key itself where the
/// address has no TLS; `schemes` are those that have.
net::ClientTls ReadClientTls(YamlMap& map, bool tls, const std::string& schemes);

}  // namespace pgbeacon::config
