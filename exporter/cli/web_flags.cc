#include "exporter/cli/web_flags.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <string>

#include "base/yaml.h"

namespace pgbeacon::cli {
namespace {

constexpr std::size_t kMostConnections = 1'000'000;
constexpr std::size_t kLeastHeader = 1024;
constexpr std::size_t kMostHeader = std::size_t{1} << 20;
constexpr std::size_t kMostBody = std::size_t{1} << 30;
constexpr std::chrono::hours kLongest{24};

std::string CheckTime(const std::string& text) {
  const auto time = ParseTime(text);
  if (time && time->count() > 0 && *time <= kLongest) return "";
  return "expected a time up to 1d such as 250ms, 30s or 5m, found '" + text + "'";
}

std::string CheckPath(const std::string& text) {
  return text.starts_with('/') ? "" : "expected a path such as /-/ready, found '" + text + "'";
}

}  // namespace

void AddWebFlags(CLI::App& command, WebFlags& web, ServeFlags& flags) {
  const auto add = [&command](const std::string& name, auto& value, const std::string& help) {
    return command.add_option(name, value, help)->group("Web");
  };
  add("--web.listen-address", flags.listen,
      "Address to listen on: HOST:PORT, :PORT or unix:PATH (repeatable)")
      ->default_str(":9187");
  command
      .add_flag("--web.systemd-socket", web.systemd_socket,
                "Listen on the sockets that systemd passes instead of --web.listen-address")
      ->group("Web");
  add("--web.telemetry-path", flags.telemetry_path, "Path of the metrics")
      ->envname("PG_EXPORTER_WEB_TELEMETRY_PATH")
      ->capture_default_str();
  add("--web.config.file", web.config_file,
      "YAML file with TLS, users and headers, in the form of all Prometheus exporters; read again "
      "when it changes");
  add("--web.open-endpoint", web.open_endpoints,
      "Path that needs no user of --web.config.file, besides /-/healthy (repeatable)")
      ->check(CheckPath);
  command
      .add_flag("--web.enable-logs", flags.enable_logs,
                "Serve the latest log lines at /logs; `logs:` in the config file says to whom")
      ->group("Web");
  add("--web.max-connections", web.max_connections,
      "Connections at once; those beyond are answered 503 (default: 512, with --source.logplex "
      "8192 as far as there may be open files)")
      ->check(CLI::Range(std::size_t{1}, kMostConnections));
  add("--web.max-header-bytes", web.max_header_bytes, "Bytes of a request's header")
      ->check(CLI::Range(kLeastHeader, kMostHeader))
      ->capture_default_str();
  add("--web.max-body-bytes", web.max_body_bytes,
      "Bytes of a request's body; /logplex has its own limit")
      ->check(CLI::Range(std::size_t{0}, kMostBody))
      ->capture_default_str();
  add("--web.read-timeout", web.read_timeout, "Time for a request, or a TLS handshake, to arrive")
      ->check(CheckTime)
      ->capture_default_str();
  add("--web.write-timeout", web.write_timeout,
      "Time in which a client has to take something of a response")
      ->check(CheckTime)
      ->capture_default_str();
  add("--web.min-write-rate", web.min_write_rate,
      "Bytes per second that a client has to take of a response on average, after "
      "--web.write-timeout; 0: any")
      ->check(CLI::Range(std::size_t{0}, kMostBody))
      ->capture_default_str();
  add("--web.idle-timeout", web.idle_timeout, "Time between two requests of a connection")
      ->check(CheckTime)
      ->capture_default_str();
}

http::Limits ToLimits(const WebFlags& flags) {
  http::Limits limits;
  limits.connections = flags.max_connections.value_or(limits.connections);
  limits.header_bytes = flags.max_header_bytes;
  limits.body_bytes = flags.max_body_bytes;
  limits.read = ParseTime(flags.read_timeout).value_or(limits.read);
  limits.write = ParseTime(flags.write_timeout).value_or(limits.write);
  limits.idle = ParseTime(flags.idle_timeout).value_or(limits.idle);
  limits.write_rate = flags.min_write_rate;
  return limits;
}

}  // namespace pgbeacon::cli
