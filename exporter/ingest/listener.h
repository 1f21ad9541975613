// Listener: one address that frames come in at.
#pragma once

#include <string>

#include "base/clock.h"
#include "exporter/ingest/listener_status.h"

namespace pgbeacon::ingest {

/// Bound when it is made. Used on its executor's one thread, or while that does not run.
class Listener {
 public:
  virtual ~Listener() = default;

  virtual void Start() = 0;
  /// Once in a while: what has taken too long, what the kernel threw away.
  virtual void Tick(TimePoint now) = 0;
  /// Ends all; what has come of open frames is handed on.
  virtual void Stop() = 0;

  /// With the real port.
  virtual std::string address() const = 0;
  virtual ListenerStatus status() const = 0;
};

}  // namespace pgbeacon::ingest
