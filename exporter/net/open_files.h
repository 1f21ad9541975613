// How many files this process may have open.
//
// Example:
//   if (RaiseOpenFiles(20'000) < 20'000) spdlog::warn("...");
#pragma once

#include <cstddef>

namespace pgbeacon::net {

/// Raises the limit of open files to `wanted` as far as the process may, and returns the limit that
/// holds then. Never lowers it.
std::size_t RaiseOpenFiles(std::size_t wanted);

}  // namespace pgbeacon::net
