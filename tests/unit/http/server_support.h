// A server on its own thread and a client that sends raw bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/http/server.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::http {

/// What came back. `status` 0: the connection ended first.
struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
};

/// One blocking connection; no wait is longer than ten seconds.
class RawClient {
 public:
  explicit RawClient(int port, int receive_buffer = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    timeval patience{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { Close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  Reply Get(const std::string& target, const std::string& headers = "") {
    Send("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    return Read();
  }
  /// The next response; `head`: one without a body.
  Reply Read(bool head = false) {
    Reply reply;
    while (pending_.find("\r\n\r\n") == std::string::npos) {
      if (!Fill()) return reply;
    }
    std::size_t at = pending_.find("\r\n");
    const int status = std::stoi(pending_.substr(9, 3));
    const std::size_t end = pending_.find("\r\n\r\n");
    while (at < end) {
      const std::size_t next = pending_.find("\r\n", at + 2);
      const std::string line = pending_.substr(at + 2, next - at - 2);
      reply.headers[line.substr(0, line.find(':'))] = line.substr(line.find(':') + 2);
      at = next;
    }
    pending_.erase(0, end + 4);
    const auto length = reply.headers.find("Content-Length");
    const std::size_t size = head || length == reply.headers.end() ? 0 : std::stoul(length->second);
    while (pending_.size() < size) {
      if (!Fill()) return {};
    }
    reply.body = pending_.substr(0, size);
    pending_.erase(0, size);
    reply.status = status;
    return reply;
  }
  /// The next `size` bytes of whatever comes; fewer where the connection ends.
  std::string ReadSome(std::size_t size) {
    while (pending_.size() < size && Fill()) {
    }
    std::string bytes = pending_.substr(0, size);
    pending_.erase(0, size);
    return bytes;
  }
  /// Everything until the server closes; nothing when it does not within the patience.
  std::optional<std::string> ReadToEnd() {
    for (;;) {
      char chunk[65536];
      const ssize_t n = recv(fd_, chunk, sizeof chunk, 0);
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
      if (n <= 0) return std::move(pending_);
      pending_.append(chunk, static_cast<std::size_t>(n));
    }
  }
  void FinishSending() { shutdown(fd_, SHUT_WR); }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  /// Ends the connection with a reset.
  void Abort() {
    linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Close();
  }

 private:
  bool Fill() {
    char chunk[65536];
    const ssize_t n = recv(fd_, chunk, sizeof chunk, 0);
    if (n > 0) pending_.append(chunk, static_cast<std::size_t>(n));
    return n > 0;
  }

  int fd_;
  bool connected_ = false;
  std::string pending_;
};

inline std::string Gunzip(const std::string& bytes) {
  std::string out;
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return out;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  int state = Z_OK;
  while (state == Z_OK) {
    char chunk[65536];
    stream.next_out = reinterpret_cast<Bytef*>(chunk);
    stream.avail_out = sizeof chunk;
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk, sizeof chunk - stream.avail_out);
  }
  inflateEnd(&stream);
  return state == Z_STREAM_END ? out : "";
}

/// A server with a handful of routes:
///   GET /hello, GET /query (path and query as read), POST /echo, GET /throw,
///   GET /big and /page (32 MiB, 3 MiB and 10 kB, compressible), GET /slow (until Release())
class ServerTest : public testing::Test {
 protected:
  using Seen = std::vector<std::pair<std::string, int>>;

  void Start(Limits limits = {}) {
    server_ = std::make_unique<Server>(io_.get_executor(), pool_, limits,
                                       [this](std::string_view route, int status) {
                                         const std::lock_guard lock(mutex_);
                                         seen_.emplace_back(route, status);
                                       });
    server_->Route("GET", "/hello", [](auto) { return Text("hello\n"); });
    server_->Route("GET", "/query", [](auto request) { return Query(request); });
    server_->Route("POST", "/echo", [](auto request) { return Text(request->body); });
    server_->Route("GET", "/throw", [](auto) { return Throw(); });
    server_->Route("GET", "/page", [](auto) { return Page(10'000); });
    server_->Route("GET", "/large", [](auto) { return Page(3 << 20); });
    server_->Route("GET", "/big", [](auto) { return Page(32 << 20); });
    server_->Route("GET", "/slow", [this](auto) { return Slow(); });
    const Status listening = server_->Listen("127.0.0.1:0");
    ASSERT_TRUE(listening.ok()) << listening.error().message;
    const std::string address = server_->addresses().at(0);
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
    thread_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override {
    if (!thread_.joinable()) return;
    OnServer([this] { server_.reset(); });
    Release();
    guard_.reset();
    thread_.join();
  }

  /// Runs `work` on the server's thread and waits for it.
  template <class Work>
  void OnServer(Work work) {
    std::promise<void> done;
    net::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  void Release() {
    OnServer([this] {
      released_ = true;
      gate_.cancel();
    });
  }

  /// Waits until the server's thread says so; false after a minute.
  template <class Condition>
  bool Eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;;) {
      bool met = false;
      OnServer([&] { met = condition(); });
      if (met) return true;
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
  }

  Seen seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  static net::awaitable<Response> Text(std::string text) {
    Response response;
    response.body = std::move(text);
    co_return response;
  }
  static net::awaitable<Response> Query(std::shared_ptr<const Request> request) {
    Response response;
    response.body = request->path;
    for (const auto& [key, value] : request->query) response.body += "|" + key + "=" + value;
    response.body += "|" + std::string(request->Header("x-test"));
    co_return response;
  }
  static net::awaitable<Response> Throw() {
    throw std::runtime_error("deliberate");
    co_return Response();
  }
  static net::awaitable<Response> Page(std::size_t size) {
    Response response;
    response.compressible = true;
    while (response.body.size() < size) response.body += "pg_line{a=\"b\"} 1\n";
    co_return response;
  }
  net::awaitable<Response> Slow() {
    ++waiting_;
    while (!released_) co_await gate_.async_wait(net::kNoThrow);
    --waiting_;
    Response response;
    response.body = "slow\n";
    co_return response;
  }

  net::asio::io_context io_{1};
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard_{io_.get_executor()};
  net::asio::steady_timer gate_{io_, net::asio::steady_timer::time_point::max()};
  bool released_ = false;
  int waiting_ = 0;
  net::BlockingPool pool_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  int port_ = 0;
  std::mutex mutex_;
  Seen seen_;
};

}  // namespace pgbeacon::http
