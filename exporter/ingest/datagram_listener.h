// DatagramListener: syslog over UDP and unix datagram sockets, a message each.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exporter/ingest/frame_sink.h"
#include "exporter/ingest/listener.h"
#include "exporter/ingest/stream_listener.h"
#include "exporter/net/asio.h"
#include "exporter/net/listening.h"

namespace pgbeacon::ingest {

class DatagramListener final : public Listener {
 public:
  static Result<std::unique_ptr<Listener>> Open(SyslogListenerOptions options, FrameSink& sink,
                                                ListenersShared& shared);
  ~DatagramListener() override { Stop(); }

  void Start() override;
  void Tick(TimePoint now) override;
  /// What the kernel holds already is read first.
  void Stop() override;
  std::string address() const override { return address_; }
  ListenerStatus status() const override { return status_; }

 private:
  DatagramListener(SyslogListenerOptions options, FrameSink& sink, ListenersShared& shared,
                   net::Descriptor socket, std::optional<net::UnixSocket> file);
  void AskForBuffer();
  void Wait();
  /// Reads what is there, at most so many batches; whether that was all.
  bool Read(int batches);
  void Take(const mmsghdr& message);
  std::string_view PeerOf(const mmsghdr& message);
  void TellKernelDrops();

  const SyslogListenerOptions options_;
  const std::string address_;
  FrameSink& sink_;
  ListenersShared& shared_;
  net::asio::posix::stream_descriptor socket_;
  std::optional<net::UnixSocket> file_;
  std::shared_ptr<bool> running_ = std::make_shared<bool>(false);  // shared with the wait
  // A batch, whose bytes lie in the shared buffer.
  std::vector<mmsghdr> messages_;
  std::vector<iovec> places_;
  std::vector<sockaddr_storage> senders_;
  sockaddr_storage last_sender_{};
  std::string last_peer_;
  std::uint32_t kernel_drops_ = 0;  // that were told
  bool failing_ = false;
  ListenerStatus status_;
};

}  // namespace pgbeacon::ingest
