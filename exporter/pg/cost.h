// Cost: what asking a server has taken so far, over all connections of one login.
//
// Example:
//   Cost before = *login.cost;
#pragma once

#include <cstdint>

namespace pgbeacon::pg {

struct Cost {
  std::uint64_t statements = 0;      ///< sent, those that set and end transactions included
  std::uint64_t received_bytes = 0;  ///< of rows, as they travel
  double query_seconds = 0;          ///< in which an answer was waited for
};

}  // namespace pgbeacon::pg
