// The flags of the HTTP server: where it listens, whom it lets in, what one client may take.
#pragma once

#include <CLI/App.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "exporter/cli/options.h"
#include "exporter/http/server.h"

namespace pgbeacon::cli {

/// Whom the HTTP server lets in and what one client may take.
struct WebFlags {
  std::string config_file;  ///< --web.config.file
  bool systemd_socket = false;
  std::vector<std::string> open_endpoints;  ///< paths
  std::optional<std::size_t> max_connections;
  std::size_t max_header_bytes = std::size_t{16} * 1024;
  std::size_t max_body_bytes = std::size_t{1024} * 1024;
  std::size_t min_write_rate = std::size_t{16} * 1024;
  std::string read_timeout = "10s";
  std::string write_timeout = "30s";
  std::string idle_timeout = "3m";
};

/// Adds them, and those of `flags` that begin with --web, to a command; both must outlive it.
void AddWebFlags(CLI::App& command, WebFlags& web, ServeFlags& flags);

/// The flags' limits.
http::Limits ToLimits(const WebFlags& flags);

}  // namespace pgbeacon::cli
