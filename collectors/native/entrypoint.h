// What is shown of a target's entrypoint: the proxy or gateway that clients reach the server
// through.
//
// Example:
//   EntrypointLook look;
//   look.connect_seconds = 0.004;
//   Families families = EntrypointFamilies(look);
#pragma once

#include <optional>

#include "base/families.h"

namespace pgbeacon::collectors {

struct EntrypointLook {
  std::optional<double> connect_seconds;  ///< absent: no connection, or no answer over it
  std::optional<bool> is_primary;
  std::optional<bool> same_system;  ///< as the target; absent: one of both is not known
};

/// pg_entrypoint_up is always there, the rest as far as it is known.
Families EntrypointFamilies(const EntrypointLook& look);

}  // namespace pgbeacon::collectors
