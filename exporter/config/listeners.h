// Syslog listeners as the configuration names them: entries of `sources` whose `type` begins with
// syslog_, and the flags --source.syslog-* and --source.unix.
//
// Example:
//   for (YamlMap& entry : root.Maps("sources")) {
//     if (IsSyslogSource(entry)) listeners.push_back(ReadSyslogSource(entry));
//   }
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "exporter/ingest/quota.h"
#include "exporter/ingest/syslog_options.h"

namespace pgbeacon::config {

/// One listener; its name is its kind and address, such as "udp::514".
struct SyslogSource {
  ingest::SyslogListenerOptions listener;
  std::string server;  ///< label `server`; empty: the frame's HOSTNAME, else the sender's address
  std::optional<std::string> prefix;  ///< log_line_prefix; absent: detected, by server
  ingest::Quota quota;                ///< of each server
};

/// Whether an entry of `sources` is a syslog listener; a type that does not exist is a mistake.
bool IsSyslogSource(YamlMap& map);

/// The caller finishes the map. What is wrong is a mistake of the map.
SyslogSource ReadSyslogSource(YamlMap& map);

/// The flags: addresses and paths, and the files of all --source.syslog-tls.
struct SyslogFlags {
  std::vector<std::string> udp;
  std::vector<std::string> tcp;
  std::vector<std::string> tls;
  std::vector<std::string> unix_paths;
  net::TlsFiles tls_files;
};

/// An Error names the flag.
Result<std::vector<SyslogSource>> ReadSyslogFlags(const SyslogFlags& flags);

}  // namespace pgbeacon::config
