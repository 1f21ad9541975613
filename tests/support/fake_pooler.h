// Stands between a client and PostgreSQL as a pooler does that does not know the startup parameter
// `options`. Handles connections one after the other.
//
// Example:
//   FakePooler pooler(server->port(), FakePooler::Options::kRefuse);
//   conninfo = "host=127.0.0.1 port=" + std::to_string(pooler.port());
#pragma once

#include <atomic>
#include <string>
#include <thread>

namespace pgbeacon::test {

class FakePooler {
 public:
  enum class Options { kRefuse, kIgnore };

  FakePooler(int server_port, Options options);
  FakePooler(const FakePooler&) = delete;
  FakePooler& operator=(const FakePooler&) = delete;
  ~FakePooler();

  int port() const { return port_; }
  int refusals() const { return refusals_; }

 private:
  void Serve();
  void Handle(int client);
  void Relay(int client, int server) const;

  int server_port_;
  Options options_;
  int port_ = 0;
  int listener_ = -1;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> refusals_ = 0;
  std::thread thread_;
};

}  // namespace pgbeacon::test
