#include "exporter/ingest/syslog_listeners.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "exporter/ingest/datagram_listener.h"
#include "exporter/net/open_files.h"

namespace pgbeacon::ingest {
namespace {

/// Descriptors of everything but senders' connections: files, and as many Logplex drains as may be.
constexpr std::size_t kOtherFiles = 10'000;

bool IsDatagram(ListenerKind kind) {
  return kind == ListenerKind::kUdp || kind == ListenerKind::kUnix;
}

}  // namespace

SyslogListeners::SyslogListeners(net::any_io_executor executor, ListenerLimits limits)
    : tick_(executor) {
  shared_.executor = std::move(executor);
  shared_.limits = limits;
}

SyslogListeners::~SyslogListeners() { Stop(); }

Status SyslogListeners::Open(SyslogListenerOptions options, FrameSink& sink) {
  const std::string name = options.name;
  if (names_.contains(name)) {
    return Error(ErrorCode::kInvalid, "source " + name + ": named twice");
  }
  shared_.GrowBuffer(kStreamRead);
  auto listener = IsDatagram(options.kind)
                      ? DatagramListener::Open(std::move(options), sink, shared_)
                      : StreamListener::Open(std::move(options), sink, shared_);
  if (!listener.ok()) {
    return Error(listener.error().code, "source " + name + ": " + listener.error().message);
  }
  listeners_.push_back(*std::move(listener));
  names_.insert(name);
  if (shared_.streams.size() == 1) RaiseLimit();
  return {};
}

/// Every connection takes a descriptor; files, HTTP and the server's connections need theirs.
void SyslogListeners::RaiseLimit() {
  const std::size_t wanted = shared_.limits.connections + kOtherFiles;
  const std::size_t limit = net::RaiseOpenFiles(wanted);
  if (limit >= wanted) return;
  const std::size_t others = std::min(kOtherFiles, limit / 2);
  shared_.limits.connections = limit - others;
  spdlog::warn(
      "syslog listeners take {} connections at most, the limit of open files is {}: raise it to {} "
      "(systemd: LimitNOFILE=)",
      shared_.limits.connections, limit, wanted);
}

void SyslogListeners::Start() {
  if (listeners_.empty()) return;
  *running_ = true;
  for (const auto& listener : listeners_) listener->Start();
  WaitForTick();
}

void SyslogListeners::Stop() {
  *running_ = false;
  tick_.cancel();
  for (const auto& listener : listeners_) listener->Stop();
}

std::vector<std::string> SyslogListeners::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& listener : listeners_) addresses.push_back(listener->address());
  return addresses;
}

std::vector<ListenerStatus> SyslogListeners::statuses() const {
  std::vector<ListenerStatus> statuses;
  for (const auto& listener : listeners_) statuses.push_back(listener->status());
  return statuses;
}

void SyslogListeners::WaitForTick() {
  tick_.expires_after(shared_.limits.tick);
  tick_.async_wait([this, running = running_](const net::error_code& error) {
    if (error || !*running) return;
    for (const auto& listener : listeners_) listener->Tick(SteadyClock::now());
    WaitForTick();
  });
}

}  // namespace pgbeacon::ingest
