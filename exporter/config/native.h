// A target's keys about what is asked by other means than its own SQL: `entrypoint`, `pgbouncer`,
// `patroni`, `pgbackrest` and `backups`.
//
// Example:
//   entrypoint: {dsn: "host=db.example.com port=6432 user=pgbeacon dbname=orders"}
//   pgbouncer: [{name: orders, dsn: "host=127.0.0.1 port=6432 user=stats dbname=pgbouncer"}]
//   patroni: {url: "https://10.0.0.1:8008", tls: {ca: /etc/patroni/ca.pem}}
//   pgbackrest: {stanza: main}
//   backups: [{name: nightly, kind: pg_dump, glob: "/var/backups/*.dump"}]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "exporter/http/url.h"
#include "exporter/net/client_tls.h"

namespace pgbeacon::config {

/// The proxy or gateway that clients reach the server through.
struct Entrypoint {
  std::string conninfo;
  std::string password_file;  ///< read at each connect
};

/// One PgBouncer's admin console.
struct Pooler {
  std::string name;
  std::string conninfo;
  std::string password_file;  ///< read at each connect
};

struct PatroniApi {
  http::Url url;  ///< its path is left out
  net::ClientTls tls;
};

/// Where `pgbackrest info` comes from: a command, or a file that holds what it printed.
struct Backrest {
  std::vector<std::string> command;
  std::string file;
};

/// Backups that a glob of files or a JSON list tells of; one of both is set.
struct Inventory {
  std::string name;
  std::string kind;
  std::string glob;
  std::string json;
};

struct Native {
  std::optional<Entrypoint> entrypoint;
  std::vector<Pooler> poolers;
  std::optional<PatroniApi> patroni;
  std::optional<Backrest> pgbackrest;
  std::vector<Inventory> backups;
};

/// What is wrong is a mistake of the map and left out.
Native ReadNative(YamlMap& target);

}  // namespace pgbeacon::config
