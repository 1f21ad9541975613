// pgb_syslog_load: sends PostgreSQL's messages as syslog, as fast as they are taken or at a rate,
// and prints what it sent as JSON. Without --lines it only holds connections open.
//
// Example:
//   pgb_syslog_load --tcp 127.0.0.1:601 --lines 5000000 --connections 4
//   pgb_syslog_load --udp 127.0.0.1:514 --lines 3000000 --rate 300000
//   pgb_syslog_load --tcp 127.0.0.1:601 --connections 10000 --hold 30
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "exporter/net/address.h"
#include "exporter/net/descriptor.h"
#include "exporter/net/open_files.h"

namespace pgbeacon {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kFrames = 4096;  // that differ
constexpr unsigned kSessions = 64;
constexpr std::size_t kMessage = 190;      // bytes
constexpr std::size_t kDatagrams = 64;     // in one system call
constexpr std::size_t kPiece = 256 << 10;  // of a connection's turn

struct Options {
  std::string tcp;
  std::string udp;
  std::uint64_t lines = 0;
  std::size_t connections = 1;
  double rate = 0;
  double hold = 0;
  bool octets = false;
};

/// A record of kMessage bytes. One session's have ascending numbers, as a server's have.
std::string Message(std::size_t i) {
  const std::size_t session = i % kSessions;
  const std::size_t number = i / kSessions + 1;
  std::string message = fmt::format(
      "<134>Nov 20 20:14:{:02} db1 postgres[{}]: [{}-1] 2026-11-20 20:14:{:02}.{:03} UTC [{}] "
      "app@shop/web ",
      i / 100 % 60, 4000 + session, number, i / 100 % 60, i % 1000, 4000 + session);
  std::string end;
  if (i % 50 == 0) {
    message += "ERROR:  relation \"orders_";
    end = "\" does not exist at character 15";
  } else {
    message += fmt::format("LOG:  duration: {}.{:03} ms  statement: SELECT * FROM orders_", i % 700,
                           i % 997);
    end = fmt::format(" WHERE id = {}", i);
  }
  const std::size_t size = message.size() + end.size();
  return message + std::string(kMessage - std::min(kMessage, size), 'x') + end;
}

std::optional<sockaddr_storage> Resolve(const std::string& text) {
  const Result<net::ListenAddress> parsed = net::ParseListenAddress(text);
  sockaddr_storage address{};
  if (!parsed.ok()) return std::nullopt;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (inet_pton(AF_INET, parsed->host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(parsed->port);
  } else if (inet_pton(AF_INET6, parsed->host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(parsed->port);
  } else {
    return std::nullopt;
  }
  return address;
}

net::Descriptor Connect(const sockaddr_storage& to, int type) {
  net::Descriptor socket(::socket(to.ss_family, type | SOCK_CLOEXEC, 0));
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  if (connect(socket.get(), address, sizeof to) != 0) {
    std::perror("connect");
    return {};
  }
  return socket;
}

/// Waits until so many of the lines are due.
class Pace {
 public:
  explicit Pace(double rate) : rate_(rate) {}
  void Wait(std::uint64_t lines) const {
    if (rate_ <= 0) return;
    const auto due = std::chrono::duration<double>(static_cast<double>(lines) / rate_);
    std::this_thread::sleep_until(begin_ + std::chrono::duration_cast<Clock::duration>(due));
  }
  double Seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

 private:
  double rate_;
  Clock::time_point begin_ = Clock::now();
};

/// A connection and what it has to send yet: whole rounds of the block, then a part of it.
struct Stream {
  net::Descriptor socket;
  std::uint64_t left = 0;  // lines
  std::size_t at = 0;      // bytes into the block
};

class Block {
 public:
  explicit Block(bool octets) {
    for (std::size_t i = 0; i < kFrames; ++i) {
      const std::string message = Message(i);
      bytes_ += octets ? std::to_string(message.size()) + " " + message : message + "\n";
      ends_.push_back(bytes_.size());
    }
  }
  /// Bytes from `at` that hold at most `lines` lines.
  std::string_view From(std::size_t at, std::uint64_t lines) const {
    const std::size_t first = LineAt(at);
    const std::size_t last =
        static_cast<std::size_t>(std::min<std::uint64_t>(first + lines, ends_.size()));
    return std::string_view(bytes_).substr(at, std::min(kPiece, ends_[last - 1] - at));
  }
  /// Number of the line that the byte belongs to.
  std::size_t LineAt(std::size_t at) const {
    return static_cast<std::size_t>(std::ranges::upper_bound(ends_, at) - ends_.begin());
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

/// Sends what the socket takes now; the lines that went out whole.
std::uint64_t SendSome(Stream& stream, const Block& block) {
  const std::string_view piece = block.From(stream.at, stream.left);
  const ssize_t sent =
      send(stream.socket.get(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) {
    std::perror("send");
    std::exit(1);
  }
  if (sent <= 0) return 0;
  const std::size_t before = block.LineAt(stream.at);
  stream.at += static_cast<std::size_t>(sent);
  const std::uint64_t lines = block.LineAt(stream.at) - before;
  stream.left -= lines;
  if (stream.at == block.size()) stream.at = 0;
  return lines;
}

double SendStreams(std::vector<Stream>& streams, const Options& options) {
  const Block block(options.octets);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    streams[i].left = options.lines / streams.size() + (i < options.lines % streams.size() ? 1 : 0);
  }
  const Pace pace(options.rate);
  std::uint64_t done = 0;
  std::vector<pollfd> ready(streams.size());
  while (done < options.lines) {
    for (std::size_t i = 0; i < streams.size(); ++i) {
      ready[i] = {.fd = streams[i].left > 0 ? streams[i].socket.get() : -1, .events = POLLOUT};
    }
    poll(ready.data(), ready.size(), -1);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if ((ready[i].revents & POLLOUT) == 0) continue;
      done += SendSome(streams[i], block);
      pace.Wait(done);
    }
  }
  return pace.Seconds();
}

/// The kernel cuts what is sent at once into datagrams, all of one size: a sender that gave them
/// one by one would be slower than the receiver.
double SendDatagrams(const net::Descriptor& socket, const Options& options) {
  std::string block;
  for (std::size_t i = 0; i < kFrames; ++i) block += Message(i);
  const int size = kMessage;
  if (setsockopt(socket.get(), SOL_UDP, UDP_SEGMENT, &size, sizeof size) != 0) {
    std::perror("UDP_SEGMENT");
    std::exit(1);
  }
  const Pace pace(options.rate);
  std::uint64_t done = 0;
  while (done < options.lines) {
    const std::size_t at = done % kFrames;
    const std::uint64_t count =
        std::min<std::uint64_t>({kDatagrams, kFrames - at, options.lines - done});
    const std::size_t bytes = static_cast<std::size_t>(count) * kMessage;
    if (send(socket.get(), block.data() + at * kMessage, bytes, 0) >= 0) {
      done += count;
    } else if (errno != ENOBUFS && errno != EAGAIN) {
      std::perror("send");
      std::exit(1);
    }
    pace.Wait(done);
  }
  return pace.Seconds();
}

int Run(const Options& options) {
  const bool udp = !options.udp.empty();
  const std::optional<sockaddr_storage> to = Resolve(udp ? options.udp : options.tcp);
  if (!to) {
    std::fputs("pgb_syslog_load: expected ADDRESS:PORT\n", stderr);
    return 2;
  }
  net::RaiseOpenFiles(options.connections + 64);
  std::vector<Stream> streams(options.connections);
  for (Stream& stream : streams) {
    stream.socket = Connect(*to, udp ? SOCK_DGRAM : SOCK_STREAM);
    if (!stream.socket) return 1;
  }
  double seconds = 0;
  if (options.lines > 0) {
    seconds = udp ? SendDatagrams(streams[0].socket, options) : SendStreams(streams, options);
  }
  fmt::print("{{\"lines\": {}, \"seconds\": {:.3f}, \"connections\": {}}}\n", options.lines,
             seconds, streams.size());
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::duration<double>(options.hold));
  return 0;
}

}  // namespace
}  // namespace pgbeacon

int main(int argc, char** argv) {
  pgbeacon::Options options;
  CLI::App app("Sends PostgreSQL's messages as syslog");
  CLI::Option* tcp = app.add_option("--tcp", options.tcp, "Where to send, ADDRESS:PORT");
  app.add_option("--udp", options.udp, "Where to send, ADDRESS:PORT")->excludes(tcp);
  app.add_option("--lines", options.lines, "How many messages");
  app.add_option("--connections", options.connections, "Of TCP, which share the messages")
      ->check(CLI::Range(1, 60'000));
  app.add_option("--rate", options.rate, "Messages a second; 0: as many as are taken");
  app.add_option("--hold", options.hold, "Seconds to stay connected at the end");
  app.add_flag("--octets", options.octets, "Octet counting instead of line feeds");
  CLI11_PARSE(app, argc, argv);
  return pgbeacon::Run(options);
}
