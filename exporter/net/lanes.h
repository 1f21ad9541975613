// Lanes: the threads that connects block on. Servers that answered last time have theirs apart, so
// that names nobody resolves and addresses nobody answers delay none of them.
//
// Example:
//   BlockingPool& pool = lanes.Of(/*trusted=*/answered_last_time);
#pragma once

#include "exporter/net/blocking_pool.h"

namespace pgbeacon::net {

struct Lanes {
  BlockingPool* trusted = nullptr;
  BlockingPool* untrusted = nullptr;

  BlockingPool& Of(bool trust) const { return trust ? *trusted : *untrusted; }
};

}  // namespace pgbeacon::net
