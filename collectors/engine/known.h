// What is known of servers without asking one: the columns that each major's views have, as
// recorded from servers (known_columns.yml). For lists of what could be seen; what is asked of a
// server goes by its own answer.
//
// Example:
//   ServerFacts facts = KnownFacts(catalogue, 17, false);
//   Plan plan = MakePlan(catalogue, Selection{.all = true}, facts);
#pragma once

#include "collectors/engine/facts.h"
#include "collectors/engine/spec.h"

namespace pgbeacon::collectors {

/// The newest major whose columns are recorded.
inline constexpr int kNewestMajor = 18;

/// A server of `major` (kOldestMajor to kNewestMajor) that lacks nothing that collectors need:
/// every extension, privilege and setting.
ServerFacts KnownFacts(const Catalogue& catalogue, int major, bool standby);

}  // namespace pgbeacon::collectors
