// Receivers of drains on loopback, each with a thread of its own, and drains that are in a hurry.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "exporter/fanout/drains.h"
#include "logparse/transport/frame.h"
#include "tests/support/event_loop.h"
#include "tests/support/loopback.h"
#include "tests/unit/fanout/hub_support.h"

namespace pgbeacon::fanout {

/// Hands its connections to `serve`, one after the other; the socket is closed afterwards.
class Receiver {
 public:
  explicit Receiver(std::function<void(int)> serve) : serve_(std::move(serve)) {
    port_ = std::to_string(test::ListenOnLoopback(fd_));
    thread_ = std::thread([this] { Run(); });
  }
  ~Receiver() {
    shutdown(fd_, SHUT_RDWR);
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      if (connection_ >= 0) shutdown(connection_, SHUT_RDWR);
    }
    thread_.join();
    close(fd_);
  }
  const std::string& port() const { return port_; }
  int connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
  }

 private:
  void Run() {
    for (;;) {
      const int fd = accept(fd_, nullptr, nullptr);
      if (fd < 0) return;
      {
        const std::lock_guard lock(mutex_);
        connection_ = fd;
        ++connections_;
        if (ended_) shutdown(fd, SHUT_RDWR);
      }
      serve_(fd);
      const std::lock_guard lock(mutex_);
      connection_ = -1;
      close(fd);
    }
  }

  const std::function<void(int)> serve_;
  int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string port_;
  mutable std::mutex mutex_;
  int connection_ = -1;
  int connections_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

/// With a reset instead of an end.
inline void CloseHard(int fd) {
  const linger hard = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

/// What several threads write and the test reads.
template <class Value>
class Shared {
 public:
  template <class Use>
  auto With(Use use) const {
    const std::lock_guard lock(mutex_);
    return use(value_);
  }
  Value Get() const {
    return With([](const Value& value) { return value; });
  }

 private:
  mutable std::mutex mutex_;
  mutable Value value_;
};

/// A hub, one drain, and the loop that it runs on.
class DrainTest : public testing::Test {
 protected:
  ~DrainTest() override {
    drains_.reset();
    loop_.io.restart();
    loop_.io.run_for(std::chrono::seconds(5));
  }

  static DrainOptions Options(const std::string& url) {
    DrainOptions options;
    options.name = "out";
    options.address = ParseDrainUrl(url).value();
    options.times.connect = std::chrono::seconds(20);
    options.times.write = std::chrono::seconds(20);
    options.times.request = std::chrono::seconds(20);
    options.times.first_pause = std::chrono::milliseconds(2);
    options.times.most_pause = std::chrono::milliseconds(20);
    return options;
  }
  void Start(std::vector<DrainOptions> options) {
    drains_ = std::make_unique<Drains>(loop_.io.get_executor(), loop_.pool, options);
    drains_->Start(hub_);
  }
  void Start(const DrainOptions& options) { Start(std::vector<DrainOptions>{options}); }

  void Add(int first, int count, const std::string& server = "orders") {
    for (int i = first; i < first + count; ++i) {
      AddLine(hub_, server, "LOG:  line " + std::to_string(i));
    }
  }

  /// A sample of the drain's, by its second label; -1: there is none.
  double Figure(const std::string& name, const std::string& label = "",
                const std::string& drain = "out") const {
    Families families;
    drains_->AppendFamilies(families);
    for (const Family& family : families) {
      if (family.name != "pgbeacon_drain_" + name) continue;
      for (const ClientMetric& sample : family.metric) {
        const bool fits =
            label.empty() || (sample.label.size() > 1 && sample.label[1].value == label);
        if (!fits || sample.label[0].value != drain) continue;
        return family.type == MetricType::Counter ? sample.counter.value : sample.gauge.value;
      }
    }
    return -1;
  }
  bool Until(const std::function<bool()>& condition) { return loop_.Until(condition); }
  bool UntilFigure(const std::string& name, const std::string& label, double value,
                   const std::string& drain = "out") {
    const bool reached = Until([&] { return Figure(name, label, drain) >= value; });
    EXPECT_EQ(Figure(name, label, drain), value) << name << " " << label;
    return reached;
  }

  test::EventLoop loop_;
  Hub hub_{HubOptions()};
  std::unique_ptr<Drains> drains_;
};

}  // namespace pgbeacon::fanout
