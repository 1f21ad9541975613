// The config file's key `logplex`: POST /logplex, see docs/logplex.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/yaml.h"
#include "exporter/ingest/quota.h"

namespace pgbeacon::config {

struct Logplex {
  bool open = false;        ///< the file has the key; an empty map (`logplex: {}`) will do
  bool invalid = false;     ///< has a mistake, so that who may deliver is not known
  std::string tokens;       ///< file: drain token -> server
  std::string credentials;  ///< file: user:password
  std::optional<std::string> prefix;           ///< log_line_prefix; absent: detected, by server
  ingest::Quota quota;                         ///< of each server
  std::optional<std::size_t> body_bytes;       ///< of one delivery
  std::optional<std::size_t> in_flight_bytes;  ///< of all that are being taken
};

Logplex ReadLogplex(YamlMap& root);

}  // namespace pgbeacon::config
