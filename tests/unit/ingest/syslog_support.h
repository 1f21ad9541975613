// What the tests of syslog listeners share: a sink that keeps everything, and senders.
#pragma once

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/ingest/syslog_listeners.h"
#include "exporter/net/address.h"

namespace pgbeacon::ingest {

struct TakenFrame {
  std::string bytes;
  std::string peer;
  bool cut = false;
};

class KeepingSink : public FrameSink {
 public:
  void TakeFrame(std::string_view frame, std::string_view peer, bool cut) override {
    ++count;
    if (keep) frames.push_back({std::string(frame), std::string(peer), cut});
  }
  void CountBadFrames(std::uint64_t more) override { bad_frames += more; }
  void CountKernelDrops(std::uint64_t more) override { kernel_drops += more; }

  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const TakenFrame& frame : frames) texts.push_back(frame.bytes);
    return texts;
  }

  bool keep = true;
  std::vector<TakenFrame> frames;
  std::uint64_t count = 0;
  std::uint64_t bad_frames = 0;
  std::uint64_t kernel_drops = 0;
};

/// A sender with a blocking socket.
class Sender {
 public:
  Sender(const std::string& address, int type) {
    sockaddr_storage to{};
    const socklen_t size = Fill(address, to);
    socket_ = net::Descriptor(::socket(to.ss_family, type | SOCK_CLOEXEC, 0));
    connected_ = connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), size) == 0;
  }

  bool connected() const { return connected_; }
  int fd() const { return socket_.get(); }
  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void Close() { socket_ = net::Descriptor(); }
  /// Whether the other side has closed the connection.
  bool Closed() const {
    char byte = 0;
    const ssize_t got = recv(socket_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return got == 0 || (got < 0 && errno != EAGAIN);
  }

 private:
  static socklen_t Fill(const std::string& address, sockaddr_storage& to) {
    if (address.front() == '/') {
      auto& path = reinterpret_cast<sockaddr_un&>(to);
      path.sun_family = AF_UNIX;
      std::memcpy(path.sun_path, address.data(), address.size());
      return sizeof path;
    }
    const auto parsed = *net::ParseListenAddress(address);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(to);
    if (inet_pton(AF_INET6, parsed.host.c_str(), &v6.sin6_addr) == 1) {
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(parsed.port);
      return sizeof v6;
    }
    auto& v4 = reinterpret_cast<sockaddr_in&>(to);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(parsed.port);
    inet_pton(AF_INET, parsed.host.c_str(), &v4.sin_addr);
    return sizeof v4;
  }

  net::Descriptor socket_;
  bool connected_ = false;
};

class SyslogTest : public testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{20};

  /// Opens one listener at a free port of loopback, or at options.address; its address.
  std::string Listen(SyslogListenerOptions options, ListenerLimits limits = {}) {
    if (options.name.empty()) options.name = "test";
    if (options.address.empty()) options.address = "127.0.0.1:0";
    limits.tick = std::chrono::milliseconds(5);
    listeners_ = std::make_unique<SyslogListeners>(io_.get_executor(), limits);
    const Status opened = listeners_->Open(std::move(options), sink_);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    if (!opened.ok()) return {};
    listeners_->Start();
    return listeners_->addresses()[0];
  }

  /// Runs until `condition` holds; false when it does not in time.
  bool Until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(10));
    }
    return true;
  }
  bool UntilFrames(std::size_t count) {
    return Until([&] { return sink_.count >= count; });
  }

  ListenerStatus status() const { return listeners_->statuses().at(0); }

  net::asio::io_context io_;
  KeepingSink sink_;
  std::unique_ptr<SyslogListeners> listeners_;
};

template <class Counts, class Reason>
auto CountOf(const Counts& counts, Reason reason) {
  return counts.at(static_cast<std::size_t>(reason));
}

}  // namespace pgbeacon::ingest
