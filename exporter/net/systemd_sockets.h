// Sockets that systemd has opened for us (sd_listen_fds(3)).
//
// Example:
//   Result<std::vector<Descriptor>> sockets = TakeSystemdSockets();
//   if (!sockets.ok()) Tell(sockets.error().message);   // not started by a .socket unit
#pragma once

#include <vector>

#include "base/result.h"
#include "exporter/net/descriptor.h"

namespace pgbeacon::net {

/// The listening stream sockets that LISTEN_PID and LISTEN_FDS tell of, non-blocking and not
/// inherited further. To be called once, before there are threads: the variables are gone then.
/// The error tells what is missing, or which socket is of no use.
Result<std::vector<Descriptor>> TakeSystemdSockets();

}  // namespace pgbeacon::net
