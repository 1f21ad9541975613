// StreamClient: bytes to one server over TCP or TLS, each step within a deadline.
//
// Example:
//   StreamClient stream(executor, pool, "logs.example.com", 6514, ClientTls());
//   const Status connected = co_await stream.Connect(seconds(5));
//   const std::size_t written = co_await stream.Write(std::move(bytes), seconds(10));
//   if (written < all) Tell(stream.failure());
//
// What the server sends is read and thrown away, so that the end of the connection is seen at once
// and not by the loss of the next write. All members run on the executor's one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "exporter/net/asio.h"
#include "exporter/net/tls_client.h"

namespace pgbeacon::net {

class StreamClient {
 public:
  /// Without `tls`: plain TCP. `pool`: for names and files, which may hang.
  StreamClient(any_io_executor executor, BlockingPool& pool, std::string host, std::uint16_t port,
               std::optional<ClientTls> tls);
  ~StreamClient();
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  /// Replaces the connection there was. Errors: kTimeout, kUnavailable (refused, unknown host,
  /// TLS), kInvalid (a certificate file of ours).
  awaitable<Status> Connect(std::chrono::milliseconds timeout);

  /// How many bytes the system took; fewer than all where the connection is gone or the server did
  /// not read for so long that it was given up. The client has to outlive the call.
  awaitable<std::size_t> Write(std::string bytes, std::chrono::milliseconds timeout);

  bool open() const;
  /// Why the last connection ended.
  Error failure() const;

  /// What waits fails.
  void Close();

 private:
  struct Link;
  class Deadline;
  Error Failure(const Link& link, const char* what, error_code error) const;

  any_io_executor executor_;
  BlockingPool& pool_;
  SharedCalls calls_;
  const std::string host_;
  const std::uint16_t port_;
  const std::optional<ClientTls> tls_;
  std::shared_ptr<Link> link_;
};

}  // namespace pgbeacon::net
