// Syslog drains over TCP and TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "logparse/transport/framer.h"
#include "logparse/transport/logplex.h"
#include "tests/unit/fanout/drain_support.h"

namespace pgbeacon::fanout {
namespace {

using testing::SizeIs;

using Bytes = Shared<std::string>;

/// Reads a connection to its end.
void ReadAll(int fd, Bytes& bytes) {
  char piece[65536];
  for (ssize_t size; (size = recv(fd, piece, sizeof piece, 0)) > 0;) {
    bytes.With([&](std::string& all) { all.append(piece, static_cast<std::size_t>(size)); });
  }
}

std::vector<std::string> Texts(const std::string& bytes) {
  std::vector<std::string> texts;
  log::Framer framer(std::size_t{1} << 20);
  framer.Push(bytes, [&](std::string_view frame, bool cut) {
    EXPECT_FALSE(cut);
    texts.emplace_back(log::ParseFrame(frame).message);
  });
  EXPECT_EQ(framer.bad_frames(), 0U);
  return texts;
}

class SyslogDrain : public DrainTest {
 protected:
  static void SetUpTestSuite() { signal(SIGPIPE, SIG_IGN); }

  static std::string Url(const Receiver& receiver, const std::string& scheme = "syslog") {
    return scheme + "://127.0.0.1:" + receiver.port();
  }
};

TEST_F(SyslogDrain, SendsCountedFramesOfRfc5424) {
  Bytes bytes;
  const Receiver receiver([&](int fd) { ReadAll(fd, bytes); });
  Start(Options(Url(receiver)));
  hub_.Add({.server = "orders",
            .time = kTime,
            .source = "app",
            .process = "postgres.7",
            .severity = log::Severity::kFatal,
            .text = "FATAL:  one\n\ttwo\n"});
  const std::string wanted =
      "83 <131>1 2026-01-31T23:59:59.500000+00:00 orders app postgres.7 - - FATAL:  one\n\ttwo\n";
  ASSERT_TRUE(Until([&] { return bytes.Get().size() >= wanted.size(); }));
  EXPECT_EQ(bytes.Get(), wanted);
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 1));
  EXPECT_EQ(Figure("up"), 1);
}

TEST_F(SyslogDrain, TheTokenIsTheHost) {
  Bytes bytes;
  const Receiver receiver([&](int fd) { ReadAll(fd, bytes); });
  DrainOptions options = Options(Url(receiver));
  options.token = "d.01234567";
  Start(options);
  AddLine(hub_, "orders", "hello", "web server");
  ASSERT_TRUE(Until([&] { return bytes.Get().ends_with("hello\n"); }));
  EXPECT_THAT(bytes.Get(), testing::HasSubstr(" d.01234567 app web_server - - hello\n"));
}

TEST_F(SyslogDrain, ConnectsAgainWhereTheReceiverWentAway) {
  Bytes bytes;
  int connections = 0;
  const Receiver receiver([&](int fd) {
    char piece[65536];
    if (++connections > 1) return ReadAll(fd, bytes);
    if (recv(fd, piece, sizeof piece, 0) > 0) CloseHard(fd);
  });
  Start(Options(Url(receiver)));
  Add(0, 1);
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 1));
  ASSERT_TRUE(Until([&] { return receiver.connections() == 1; }));
  // What is written after the receiver's end was seen is not lost; keep it small until then.
  int line = 1;
  ASSERT_TRUE(Until([&] {
    Add(line++, 1);
    return !bytes.Get().empty();
  }));
  ASSERT_TRUE(Until([&] { return Figure("buffered_messages") == 0; }));
  const std::string last = "line " + std::to_string(line - 1);
  ASSERT_TRUE(Until([&] { return bytes.Get().ends_with(last + "\n"); }));
  EXPECT_EQ(Figure("messages_total", "dropped"), 0);
}

TEST_F(SyslogDrain, WaitsForAReceiverThatIsNotThereYet) {
  DrainOptions options = Options("syslog://127.0.0.1:1");
  Start(options);
  Add(0, 5);
  ASSERT_TRUE(Until([this] { return Figure("errors_total", "connection") > 3; }));
  EXPECT_EQ(Figure("buffered_messages"), 5);
  EXPECT_EQ(Figure("up"), 0);
}

TEST_F(SyslogDrain, TellsHowManyLinesWereDropped) {
  Bytes bytes;
  const Receiver receiver([&](int fd) { ReadAll(fd, bytes); });
  DrainOptions options = Options(Url(receiver));
  options.lines = 10;
  Start(options);
  Add(0, 100);  // before the loop runs
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 10));
  ASSERT_TRUE(Until([&] { return bytes.Get().ends_with("line 99\n"); }));
  const std::vector<std::string> texts = Texts(bytes.Get());
  ASSERT_THAT(texts, SizeIs(11));
  const auto loss = log::ParseLogplexLoss(texts[0]);
  ASSERT_TRUE(loss) << texts[0];
  EXPECT_EQ(loss->messages, 90U);
  EXPECT_EQ(texts[1], "LOG:  line 90");
  EXPECT_EQ(Figure("messages_total", "dropped"), 90);
  EXPECT_THAT(bytes.Get(), testing::HasSubstr(" - heroku logplex - - Error L10 (output buffer "));
}

TEST_F(SyslogDrain, GivesUpAReceiverThatDoesNotReadAndLosesOnlyItsOldestLines) {
  std::atomic<bool> deaf = true;
  Bytes bytes;
  const Receiver receiver([&](int fd) {
    deaf.wait(true);
    ReadAll(fd, bytes);
  });
  DrainOptions options = Options(Url(receiver));
  options.times.write = std::chrono::milliseconds(200);
  options.times.connect = std::chrono::milliseconds(200);
  options.lines = 20;
  Start(options);
  const std::string text(100'000, 'x');
  EXPECT_TRUE(Until([&] {  // until the system's buffers are full
    AddLine(hub_, "orders", text);
    return Figure("errors_total", "timeout") > 0 && Figure("messages_total", "dropped") > 0;
  }));
  EXPECT_LE(Figure("buffered_messages"), 21);
  EXPECT_EQ(Figure("up"), 0);
  deaf = false;
  deaf.notify_all();
  AddLine(hub_, "orders", "the end");
  EXPECT_TRUE(Until([&] { return bytes.Get().ends_with("the end\n"); }));
  EXPECT_TRUE(Until([&] { return Figure("up") == 1; }));
}

/// A receiver of TLS that shows a certificate made by the openssl program.
class SyslogDrainTls : public SyslogDrain {
 protected:
  SyslogDrainTls() {
    folder_ = testing::TempDir() + "pgbeacon-drain-" + std::to_string(getpid()) + "/";
    std::filesystem::create_directories(folder_);
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=drain -addext subjectAltName=IP:127.0.0.1 -keyout " +
        folder_ + "key -out " + folder_ + "crt 2>/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
    SSL_CTX_use_certificate_chain_file(context_, (folder_ + "crt").c_str());
    SSL_CTX_use_PrivateKey_file(context_, (folder_ + "key").c_str(), SSL_FILETYPE_PEM);
  }
  ~SyslogDrainTls() override {
    SSL_CTX_free(context_);
    std::filesystem::remove_all(folder_);
  }
  void Serve(int fd) {
    SSL* session = SSL_new(context_);
    SSL_set_fd(session, fd);
    char piece[16384];
    if (SSL_accept(session) == 1) {
      for (int size; (size = SSL_read(session, piece, sizeof piece)) > 0;) {
        bytes_.With([&](std::string& all) { all.append(piece, static_cast<std::size_t>(size)); });
      }
    }
    SSL_free(session);
  }

  std::string folder_;
  SSL_CTX* context_ = SSL_CTX_new(TLS_server_method());
  Bytes bytes_;
};

TEST_F(SyslogDrainTls, SendsToAReceiverWhoseAuthorityItKnows) {
  const Receiver receiver([&](int fd) { Serve(fd); });
  DrainOptions options = Options(Url(receiver, "syslog+tls"));
  options.tls.ca_file = folder_ + "crt";
  options.lines = 5000;
  Start(options);
  Add(0, 5000);
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 5000));
  ASSERT_TRUE(Until([&] { return bytes_.Get().ends_with("line 4999\n"); }));
  const std::vector<std::string> texts = Texts(bytes_.Get());
  ASSERT_THAT(texts, SizeIs(5000));
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(texts[i], "LOG:  line " + std::to_string(i));
}

TEST_F(SyslogDrainTls, TellsNothingToAStranger) {
  const Receiver receiver([&](int fd) { Serve(fd); });
  Start(Options(Url(receiver, "syslog+tls")));
  Add(0, 1);
  ASSERT_TRUE(Until([this] { return Figure("errors_total", "connection") > 1; }));
  EXPECT_EQ(bytes_.Get(), "");
  EXPECT_EQ(Figure("buffered_messages"), 1);
}

}  // namespace
}  // namespace pgbeacon::fanout
