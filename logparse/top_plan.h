// What a plan that auto_explain logged tells about input and output.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pgbeacon::log {

struct LoggedPlan {
  std::string query;             ///< its "Query Text"; empty where there is none
  bool has_buffers = false;      ///< auto_explain.log_buffers was on, and there were any
  std::uint64_t bytes = 0;       ///< shared and local blocks read and written, temporary ones read
  std::uint64_t temp_bytes = 0;  ///< temporary blocks written
};

/// Reads a plan in the formats text and json: what follows "plan:" in the message. A block counts
/// as 8 KiB. XML and YAML give no query.
LoggedPlan ReadPlan(std::string_view plan);

}  // namespace pgbeacon::log
