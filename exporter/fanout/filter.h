// Filter: which lines a subscriber or a drain wants.
//
// Example:
//   Filter filter{.servers = {"orders-*"}, .process = "postgres"};
//   filter.Takes(*entry);
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/fanout/entry.h"

namespace pgbeacon::fanout {

/// What is empty leaves out nothing.
struct Filter {
  std::vector<std::string> servers;  ///< names or globs ("orders-*")
  std::vector<std::string> allowed;  ///< globs that the subscriber is bound to; both must fit
  std::string process;               ///< the process itself, or with "." and anything behind
  std::string source;
  std::optional<log::Severity> at_least;  ///< this severe or worse; lines without one are left out

  bool Takes(const Entry& entry) const;
  bool TakesServer(std::string_view server) const;
  /// Takes() but for the server.
  bool TakesOfServer(const Entry& entry) const;
};

/// The rank of a severity as server logs have it: LOG is above ERROR and below FATAL in
/// log_min_messages, but says less than a WARNING to whoever reads logs.
int SeverityRank(log::Severity severity);

}  // namespace pgbeacon::fanout
