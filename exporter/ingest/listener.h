// Listener: one address that frames come in at.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "exporter/ingest/listener_status.h"
#include "exporter/ingest/syslog_options.h"
#include "exporter/net/descriptor.h"
#include "exporter/net/listening.h"

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

/// A socket at a listener's address, and the file of a unix one.
struct Bound {
  net::Descriptor socket;
  std::optional<net::UnixSocket> file;
};

Result<Bound> Bind(const SyslogListenerOptions& options);

}  // namespace pgbeacon::ingest
