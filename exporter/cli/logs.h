// `pgbeacon logs`: the last lines of servers' logs from a running pgbeacon, and those that follow.
#pragma once

#include <string>
#include <vector>

namespace pgbeacon::cli {

struct LogsOptions {
  std::string url = "http://127.0.0.1:9187";
  std::vector<std::string> apps;
  int num = 100;
  std::string process;
  std::string source;
  std::string severity;
  bool tail = false;
  std::string token_file;
  std::string ca_file;
  std::string output = "text";
  std::string color = "auto";
};

/// Prints to stdout until the lines end or, with `tail`, a signal comes. The exit status: 0, 1 when
/// the logs cannot be had, 128 and the signal's number.
int RunLogs(const LogsOptions& options);

}  // namespace pgbeacon::cli
