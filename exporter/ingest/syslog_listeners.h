// SyslogListeners: all addresses at which syslog comes in.
//
// Example:
//   SyslogListeners listeners(io.get_executor());
//   Status open = listeners.Open({.name = "udp::514", .kind = ListenerKind::kUdp,
//                                 .address = ":514"}, sink);
//   listeners.Start();   // then run the executor
//   AppendFamilies(listeners.statuses(), families);
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "exporter/ingest/frame_sink.h"
#include "exporter/ingest/listener.h"
#include "exporter/ingest/stream_listener.h"
#include "exporter/ingest/syslog_options.h"
#include "exporter/net/asio.h"

namespace pgbeacon::ingest {

/// Used on the executor's one thread, or while that does not run.
class SyslogListeners {
 public:
  explicit SyslogListeners(net::any_io_executor executor, ListenerLimits limits = {});
  SyslogListeners(const SyslogListeners&) = delete;
  SyslogListeners& operator=(const SyslogListeners&) = delete;
  ~SyslogListeners();

  /// Binds the address; the sink gets nothing before Start(), and nothing after Stop(). It outlives
  /// the listeners. The error tells what to do.
  Status Open(SyslogListenerOptions options, FrameSink& sink);

  void Start();
  /// Reads what the kernel holds of datagrams, hands on what came of open frames, and closes all.
  void Stop();

  bool empty() const { return listeners_.empty(); }
  /// The addresses with their real ports, or the sockets' paths, in the order of Open().
  std::vector<std::string> addresses() const;
  std::vector<ListenerStatus> statuses() const;

 private:
  void RaiseLimit();
  void WaitForTick();

  ListenersShared shared_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::set<std::string> names_;
  net::asio::steady_timer tick_;
  std::shared_ptr<bool> running_ = std::make_shared<bool>(false);  // shared with the wait
};

}  // namespace pgbeacon::ingest
