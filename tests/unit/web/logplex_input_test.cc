#include "exporter/web/logplex_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/metrics/gzip.h"
#include "tests/unit/http/server_support.h"

namespace pgbeacon::web {
namespace {

using RawClient = http::RawClient;
using http::Reply;
using ingest::Taken;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr int kPoolThreads = 2;
const std::string kBody = "26 <134>1 - host app p.1 - hi";

/// An ingest thread of which the test says what it does with each delivery.
class Ingest {
 public:
  ~Ingest() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  void Take(ingest::Delivery delivery, ingest::OnTaken taken) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(std::move(taken));
    deliveries_.push_back(std::move(delivery));
    wake_.notify_all();
  }

  void Answer(std::optional<Taken> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = answer;
    wake_.notify_all();
  }

  std::vector<ingest::Delivery> deliveries() {
    const std::lock_guard lock(mutex_);
    return deliveries_;
  }

  bool WaitForDeliveries(std::size_t count) {
    std::unique_lock lock(mutex_);
    return wake_.wait_for(lock, std::chrono::seconds(10),
                          [&] { return deliveries_.size() >= count; });
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stop_ || (answer_ && !waiting_.empty()); });
      if (stop_) return;
      const ingest::OnTaken taken = std::move(waiting_.front());
      waiting_.pop_front();
      taken(*answer_);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<ingest::OnTaken> waiting_;
  std::vector<ingest::Delivery> deliveries_;
  std::optional<Taken> answer_ = Taken::kDurable;
  bool stop_ = false;
  std::thread thread_{[this] { Run(); }};
};

class Logplex : public http::ServerTest {
 protected:
  Logplex() {
    char name[] = "/tmp/pgbeacon-logplex-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~Logplex() override { std::filesystem::remove_all(folder_); }

  void Open(LogplexOptions options) {
    Start();
    OnServer([&] {
      input_ = std::make_unique<LogplexInput>(io_.get_executor(), pool_, options,
                                              [this](ingest::Delivery d, ingest::OnTaken taken) {
                                                ingest_.Take(std::move(d), std::move(taken));
                                              });
      input_->Serve(*server_);
    });
    client_ = std::make_unique<RawClient>(port_);
  }

  void TearDown() override {
    http::ServerTest::TearDown();
    input_.reset();
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name + ".new") << text;
    std::filesystem::rename(folder_ + "/" + name + ".new", folder_ + "/" + name);
    return folder_ + "/" + name;
  }

  static std::string Header(std::size_t length, const std::string& headers) {
    return "POST /logplex HTTP/1.1\r\nHost: x\r\nContent-Type: application/logplex-1\r\n"
           "Content-Length: " +
           std::to_string(length) + "\r\n" + headers + "\r\n";
  }

  Reply Post(const std::string& headers, const std::string& body = kBody) {
    client_->Send(Header(body.size(), headers) + body);
    return client_->Read();
  }
  /// The same on a connection of its own, for what is refused and closed.
  Reply PostOnce(const std::string& headers, const std::string& body = kBody) {
    RawClient client(port_);
    client.Send(Header(body.size(), headers) + body);
    return client.Read();
  }

  double Value(const std::string& name, const std::string& label = "") {
    double value = -1;
    OnServer([&] {
      Families families;
      input_->AppendFamilies(families);
      for (const Family& family : families) {
        for (const ClientMetric& metric : family.metric) {
          if (family.name != name) continue;
          if (!label.empty() && metric.label.at(0).value != label) continue;
          value = family.type == MetricType::Gauge ? metric.gauge.value : metric.counter.value;
        }
      }
    });
    return value;
  }
  /// Whether so many bytes are held sooner or later: a request gives back after its answer.
  bool Holds(double bytes) {
    return Eventually([&] {
      Families families;
      input_->AppendFamilies(families);
      return families.at(1).metric.at(0).gauge.value == bytes;
    });
  }
  double Refused(const std::string& reason) {
    return Value("pgbeacon_logplex_refused_total", reason);
  }

  std::string folder_;
  Ingest ingest_;
  std::unique_ptr<LogplexInput> input_;
  std::unique_ptr<RawClient> client_;
};

TEST_F(Logplex, AnswersADeliveryOnceItIsOnDisk) {
  Open({});
  const Reply reply = Post(
      "Logplex-Msg-Count: 1\r\nLogplex-Frame-Id: 09C557EAFCFB6CF2740EE62F62971098\r\n"
      "Logplex-Drain-Token: d.3bf2\r\n");
  EXPECT_EQ(reply.status, 200);
  const std::vector<ingest::Delivery> taken = ingest_.deliveries();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].body, kBody);
  EXPECT_EQ(taken[0].messages, 1U);
  EXPECT_EQ(taken[0].frame_id, "09C557EAFCFB6CF2740EE62F62971098");
  EXPECT_TRUE(Holds(0));
}

TEST_F(Logplex, NamesADrainWithoutAFileByAHashOfItsToken) {
  Open({});
  Post("Logplex-Drain-Token: abc\r\n");
  Post("");
  const std::vector<ingest::Delivery> taken = ingest_.deliveries();
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].server, "drain-ba7816bf");
  EXPECT_EQ(taken[0].drain, "ba7816bf8f01cfea");
  EXPECT_EQ(taken[1].server, "drain-unnamed");
  EXPECT_EQ(Value("pgbeacon_logplex_unidentified_total"), 2);
}

TEST_F(Logplex, ManyDeliveriesUseOneConnection) {
  Open({});
  for (int i = 0; i < 200; ++i) ASSERT_EQ(Post("").status, 200) << i;
  EXPECT_EQ(ingest_.deliveries().size(), 200U);
}

TEST_F(Logplex, TheTokenNamesTheServerAndStrangersAreRefused) {
  LogplexOptions options;
  options.tokens_file = Write("drains", "d.1: orders\n");
  Open(options);
  EXPECT_EQ(Post("Logplex-Drain-Token: d.1\r\n").status, 200);
  EXPECT_EQ(ingest_.deliveries().at(0).server, "orders");
  EXPECT_EQ(PostOnce("Logplex-Drain-Token: d.2\r\n").status, 403);
  EXPECT_EQ(PostOnce("").status, 403);
  EXPECT_EQ(Refused("token"), 2);
  EXPECT_EQ(ingest_.deliveries().size(), 1U);
  Write("drains", "d.1: orders\nd.2: billing\n");
  EXPECT_EQ(PostOnce("Logplex-Drain-Token: d.2\r\n").status, 200) << "added a moment ago";
  EXPECT_EQ(ingest_.deliveries().at(1).server, "billing");
  EXPECT_EQ(Value("pgbeacon_logplex_tokens"), 2);
}

TEST_F(Logplex, AStrangerIsRefusedBeforeTheBodyIsThere) {
  LogplexOptions options;
  options.tokens_file = Write("drains", "d.1: orders\n");
  Open(options);
  RawClient stranger(port_);
  stranger.Send(Header(10'000'000, "Logplex-Drain-Token: d.2\r\n"));
  EXPECT_EQ(stranger.Read().status, 403);
}

TEST_F(Logplex, AFileThatCannotBeReadRefusesNobodyForGood) {
  LogplexOptions options;
  options.tokens_file = folder_ + "/drains";
  Open(options);
  EXPECT_EQ(PostOnce("Logplex-Drain-Token: d.1\r\n").status, 503) << "403 would be a loss";
  EXPECT_EQ(Refused("not_read"), 1);
  EXPECT_EQ(Value("pgbeacon_logplex_tokens_last_reload_successful"), 0);
  Write("drains", "d.1: orders\n");
  EXPECT_EQ(PostOnce("Logplex-Drain-Token: d.1\r\n").status, 200);
  EXPECT_EQ(Value("pgbeacon_logplex_tokens_last_reload_successful"), 1);
}

TEST_F(Logplex, AConfigWithAMistakeOpensNothing) {
  LogplexOptions options;
  options.closed = true;
  Open(options);
  EXPECT_EQ(PostOnce("").status, 503);
  EXPECT_TRUE(ingest_.deliveries().empty());
}

TEST_F(Logplex, AsksForUserAndPassword) {
  LogplexOptions options;
  options.credentials_file = Write("users", "logplex:secret\n");
  Open(options);
  const Reply without = PostOnce("");
  EXPECT_EQ(without.status, 401);
  EXPECT_THAT(without.headers.at("WWW-Authenticate"), HasSubstr("Basic realm="));
  EXPECT_EQ(PostOnce("Authorization: Basic bG9ncGxleDpzZWNyZXQ=\r\n").status, 200);
  EXPECT_EQ(PostOnce("authorization: basic bG9ncGxleDpzZWNyZXQ=\r\n").status, 200);
  for (const char* wrong : {"Basic bG9ncGxleDpzZWNyZXR4", "Basic bG9ncGxleDpzZWNyZXQ", "Basic !!!!",
                            "Basic ", "Basic", "Bearer bG9ncGxleDpzZWNyZXQ=",
                            "bG9ncGxleDpzZWNyZXQ=", "Basic ====", "Basic bG9ncGxleA=="}) {
    EXPECT_EQ(PostOnce("Authorization: " + std::string(wrong) + "\r\n").status, 401) << wrong;
  }
  EXPECT_EQ(ingest_.deliveries().size(), 2U);
}

TEST_F(Logplex, TakesGzipAndWhatCameOfABrokenOne) {
  Open({});
  std::string large;
  while (large.size() < 3'000'000) large += kBody + std::to_string(large.size());
  const std::string zipped = metrics::Gzip(large);
  EXPECT_EQ(Post("Content-Encoding: gzip\r\n", metrics::Gzip(kBody)).status, 200);
  EXPECT_EQ(Post("Content-Encoding: GZIP\r\n", zipped).status, 200);
  EXPECT_EQ(Post("Content-Encoding: gzip\r\n", metrics::Gzip("1 ") + metrics::Gzip("a")).status,
            200);
  EXPECT_EQ(Post("Content-Encoding: gzip\r\n", zipped.substr(0, zipped.size() / 2)).status, 200);
  EXPECT_EQ(Post("Content-Encoding: gzip\r\n", "no gzip at all").status, 200);
  const std::vector<ingest::Delivery> taken = ingest_.deliveries();
  ASSERT_EQ(taken.size(), 5U);
  EXPECT_EQ(taken[0].body, kBody);
  EXPECT_TRUE(taken[1].body == large);
  EXPECT_EQ(taken[2].body, "1 a") << "two members";
  EXPECT_GT(taken[3].body.size(), 100'000U);
  EXPECT_TRUE(large.starts_with(taken[3].body));
  EXPECT_EQ(taken[4].body, "");
  EXPECT_EQ(Value("pgbeacon_logplex_broken_gzip_total"), 2);
}

TEST_F(Logplex, RefusesABombAndOtherEncodings) {
  LogplexOptions options;
  options.body_bytes = 1 << 20;
  Open(options);
  EXPECT_EQ(
      PostOnce("Content-Encoding: gzip\r\n", metrics::Gzip(std::string(64 << 20, 'x'))).status,
      413);
  EXPECT_EQ(Refused("too_large"), 1);
  const Reply reply = PostOnce("Content-Encoding: br\r\n");
  EXPECT_EQ(reply.status, 415);
  EXPECT_EQ(reply.headers.at("Accept-Encoding"), "gzip");
  EXPECT_EQ(Refused("encoding"), 1);
  EXPECT_EQ(PostOnce("Content-Encoding: identity\r\n").status, 200);
  EXPECT_TRUE(Holds(0));
}

TEST_F(Logplex, InflatesWhatBecomesLargeBesideTheServersThread) {
  LogplexOptions options;
  options.body_bytes = 4 << 20;
  Open(options);
  std::promise<void> free;
  const std::shared_future<void> freed = free.get_future().share();
  OnServer([&] {
    for (int thread = 0; thread < kPoolThreads; ++thread) {
      net::asio::co_spawn(
          io_,
          [](net::BlockingPool& pool, std::shared_future<void> until) -> net::awaitable<void> {
            auto wait = [until] {
              until.wait();
              return 0;
            };
            co_await pool.Run(std::move(wait));
          }(pool_, freed),
          net::asio::detached);
    }
  });
  const std::string bomb = metrics::Gzip(std::string(8 << 20, 'x'));
  ASSERT_LT(bomb.size(), 64U << 10);
  RawClient bomber(port_);
  bomber.Send(Header(bomb.size(), "Content-Encoding: gzip\r\n") + bomb);
  ASSERT_TRUE(Holds(static_cast<double>(bomb.size())));
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(Post("Content-Encoding: gzip\r\n", metrics::Gzip(kBody)).status, 200);
  }
  EXPECT_EQ(Refused("too_large"), 0);
  free.set_value();
  EXPECT_EQ(bomber.Read().status, 413);
  EXPECT_EQ(Refused("too_large"), 1);
}

TEST_F(Logplex, HasALimitOfItsOwnForBodies) {
  LogplexOptions options;
  options.body_bytes = 4 << 20;
  Open(options);
  EXPECT_EQ(PostOnce("", std::string(4 << 20, 'x')).status, 200) << "above other routes' limit";
  RawClient client(port_);
  client.Send(Header((4 << 20) + 1, ""));
  EXPECT_EQ(client.Read().status, 413);
  EXPECT_EQ(Refused("too_large"), 1);
  RawClient chunks(port_);
  chunks.Send("POST /logplex HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n400001\r\n" +
              std::string((4 << 20) + 1, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunks.Read().status, 413);
  EXPECT_EQ(Refused("too_large"), 2);
  EXPECT_TRUE(Holds(0));
}

TEST_F(Logplex, TakesChunkedBodies) {
  Open({});
  client_->Send(
      "POST /logplex HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\n1 a\r\n3\r\n1 b\r\n0\r\n\r\n");
  EXPECT_EQ(client_->Read().status, 200);
  EXPECT_EQ(ingest_.deliveries().at(0).body, "1 a1 b");
}

TEST_F(Logplex, TakesAnyContentTypeAndAnyCount) {
  Open({});
  for (const char* headers :
       {"Logplex-Msg-Count: 9223372036854775809\r\n", "Logplex-Msg-Count: 16777217\r\n",
        "Logplex-Msg-Count: many\r\n", "Logplex-Msg-Count: -1\r\n", "Logplex-Msg-Count: \r\n",
        "X: application/x-logplex-1\r\n"}) {
    EXPECT_EQ(Post(headers).status, 200) << headers;
    EXPECT_EQ(ingest_.deliveries().back().messages, std::nullopt);
  }
  EXPECT_EQ(Post("", "").status, 200) << "an empty body";
}

TEST_F(Logplex, AnIdOfAnyLengthIsKept) {
  Open({});
  Post("Logplex-Frame-Id: " + std::string(5000, 'x') + "\r\n");
  Post("Logplex-Frame-Id: " + std::string(5000, 'y') + "\r\n");
  const std::vector<ingest::Delivery> taken = ingest_.deliveries();
  EXPECT_EQ(taken[0].frame_id.size(), 64U);
  EXPECT_NE(taken[0].frame_id, taken[1].frame_id);
}

TEST_F(Logplex, AsksToSendAgainWhatIsNotOnDisk) {
  Open({});
  ingest_.Answer(Taken::kNotDurable);
  const Reply reply = Post("");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.headers.at("Retry-After"), "1");
  EXPECT_EQ(Refused("not_durable"), 1);
  ingest_.Answer(Taken::kDurable);
  EXPECT_EQ(Post("").status, 200) << "on the same connection";
}

TEST_F(Logplex, AnswersBeforeLogplexGivesUp) {
  LogplexOptions options;
  options.patience = milliseconds(100);
  Open(options);
  ingest_.Answer(std::nullopt);
  EXPECT_EQ(Post("").status, 503);
  EXPECT_EQ(Refused("late"), 1);
  EXPECT_TRUE(Holds(static_cast<double>(kBody.size()))) << "the ingest thread still has it";
  ingest_.Answer(Taken::kDurable);
  EXPECT_EQ(Post("").status, 200);
  EXPECT_TRUE(Holds(0));
}

TEST_F(Logplex, HoldsSoMuchAndNoMore) {
  LogplexOptions options;
  options.body_bytes = 1000;
  options.in_flight_bytes = 2500;
  Open(options);
  ingest_.Answer(std::nullopt);
  std::vector<std::unique_ptr<RawClient>> clients;
  const auto send = [&](const std::string& token, std::size_t size) {
    clients.push_back(std::make_unique<RawClient>(port_));
    clients.back()->Send(Header(size, "Logplex-Drain-Token: " + token + "\r\n") +
                         std::string(size, 'x'));
  };
  send("d.1", 800);
  ASSERT_TRUE(ingest_.WaitForDeliveries(1));
  EXPECT_EQ(PostOnce("Logplex-Drain-Token: d.1\r\n", std::string(800, 'x')).status, 429);
  EXPECT_EQ(Refused("quota"), 1);
  send("d.2", 800);
  send("d.3", 800);
  ASSERT_TRUE(ingest_.WaitForDeliveries(3));
  EXPECT_EQ(PostOnce("Logplex-Drain-Token: d.4\r\n", std::string(800, 'x')).status, 503);
  EXPECT_EQ(Refused("overload"), 1);
  ingest_.Answer(Taken::kDurable);
  for (const auto& client : clients) EXPECT_EQ(client->Read().status, 200);
  EXPECT_EQ(PostOnce("Logplex-Drain-Token: d.4\r\n", std::string(800, 'x')).status, 200);
}

TEST_F(Logplex, ASenderThatHangsUpGivesBackWhatItHeld) {
  Open({});
  {
    RawClient client(port_);
    client.Send(Header(5'000'000, "") + std::string(1000, 'x'));
    ASSERT_TRUE(Holds(5'000'000));
  }
  EXPECT_TRUE(Holds(0));
}

TEST_F(Logplex, TheServerMayGoWhileADeliveryIsBeingTaken) {
  Open({});
  ingest_.Answer(std::nullopt);
  client_->Send(Header(kBody.size(), "") + kBody);
  ASSERT_TRUE(ingest_.WaitForDeliveries(1));
  OnServer([this] { server_.reset(); });
  ingest_.Answer(Taken::kDurable);
  EXPECT_EQ(client_->Read().status, 0);
}

TEST_F(Logplex, OnlyTakesPosts) {
  Open({});
  EXPECT_EQ(client_->Get("/logplex").status, 405);
}

}  // namespace
}  // namespace pgbeacon::web
