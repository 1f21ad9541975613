// Entry: a line as the Hub keeps it, in one allocation that its ring and every reader share.
//
// Example:
//   EntryPtr entry = MakeEntry(7, "2026-01-31T23:59:59.000000+00:00", line);
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "exporter/fanout/line.h"

namespace pgbeacon::fanout {

/// The fields of Line; the views are into the entry's own allocation.
struct Entry {
  std::uint64_t number = 0;  ///< ascending in the order of Hub::Add(), across restarts too
  std::string_view server, source, process, text;
  std::string_view time;  ///< ISO 8601 in UTC as `heroku logs` has it: 32 characters
  log::Severity severity = log::Severity::kNone;
  int level = -1;

  /// What it takes of a budget.
  std::size_t bytes() const {
    return kOverhead + server.size() + time.size() + source.size() + process.size() + text.size();
  }

  static constexpr std::size_t kOverhead =
      160;  ///< itself, its reference count, its place in rings
};
/// Shared: by the ring and by every reader that has yet to send it.
using EntryPtr = std::shared_ptr<const Entry>;

/// A copy of `line` with the time given.
EntryPtr MakeEntry(std::uint64_t number, std::string_view time, const Line& line);

}  // namespace pgbeacon::fanout
