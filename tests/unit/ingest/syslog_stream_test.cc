#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "exporter/net/open_files.h"
#include "tests/unit/ingest/syslog_support.h"

namespace pgbeacon::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Counted(std::string_view message) {
  return std::to_string(message.size()) + " " + std::string(message);
}

class SyslogStream : public SyslogTest {};

TEST_F(SyslogStream, TakesBothFramingsOfOneConnection) {
  Sender sender(Listen({}), SOCK_STREAM);
  ASSERT_TRUE(sender.Send("<13>one\n" + Counted("<13>two\nlines") + "<13>three\r\n"));
  ASSERT_TRUE(UntilFrames(3));
  EXPECT_THAT(sink_.Texts(), ElementsAre("<13>one", "<13>two\nlines", "<13>three"));
  EXPECT_EQ(sink_.frames[0].peer, "127.0.0.1");
  EXPECT_EQ(sink_.bad_frames, 0U);
}

TEST_F(SyslogStream, GivesTheSameFramesHoweverTheBytesAreSplit) {
  const std::string stream =
      "<13>one\n" + Counted("<13>two") + Counted("<14>" + std::string(40, 'x')) + "<13>three\n";
  const std::string address = Listen({});
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    sink_.frames.clear();
    sink_.count = 0;
    Sender sender(address, SOCK_STREAM);
    for (std::size_t at = 0; at < stream.size(); at += size) {
      ASSERT_TRUE(sender.Send(stream.substr(at, size)));
      io_.restart();
      io_.poll();
    }
    ASSERT_TRUE(UntilFrames(4)) << size;
    EXPECT_THAT(sink_.Texts(),
                ElementsAre("<13>one", "<13>two", "<14>" + std::string(40, 'x'), "<13>three"))
        << size;
  }
}

TEST_F(SyslogStream, CutsAFrameOfTenMiBAndStaysInStep) {
  Sender sender(Listen({}), SOCK_STREAM);
  std::thread thread([&] {
    EXPECT_TRUE(sender.Send(Counted("<13>" + std::string(10 << 20, 'x')) + Counted("<13>next") +
                            "<13>" + std::string(10 << 20, 'y') + "\n<13>last\n"));
  });
  const bool came = UntilFrames(4);
  thread.join();
  ASSERT_TRUE(came);
  EXPECT_TRUE(sink_.frames[0].cut);
  EXPECT_EQ(sink_.frames[0].bytes.size(), std::size_t{1} << 20);
  EXPECT_EQ(sink_.frames[1].bytes, "<13>next");
  EXPECT_TRUE(sink_.frames[2].cut);
  EXPECT_EQ(sink_.frames[3].bytes, "<13>last");
  EXPECT_EQ(status().held_bytes, 0U);
}

TEST_F(SyslogStream, HandsOnWhatCameOfAFrameWhoseSenderIsGone) {
  const std::string address = Listen({});
  Sender counted(address, SOCK_STREAM);
  ASSERT_TRUE(counted.Send("100 <13>half of"));
  counted.Close();
  ASSERT_TRUE(UntilFrames(1));
  EXPECT_EQ(sink_.frames[0].bytes, "<13>half of");
  EXPECT_TRUE(sink_.frames[0].cut);
  Sender line(address, SOCK_STREAM);
  ASSERT_TRUE(line.Send("<13>without line feed"));
  line.Close();
  ASSERT_TRUE(UntilFrames(2));
  EXPECT_EQ(sink_.frames[1].bytes, "<13>without line feed");
  EXPECT_TRUE(Until([&] { return status().connections == 0; }));
}

TEST_F(SyslogStream, ClosesWhoBeginsAFrameAndDoesNotGoOn) {
  ListenerLimits limits;
  limits.unfinished = std::chrono::milliseconds(60);
  const std::string address = Listen({}, limits);
  Sender idle(address, SOCK_STREAM);
  Sender after_a_frame(address, SOCK_STREAM);
  Sender slow(address, SOCK_STREAM);
  ASSERT_TRUE(after_a_frame.Send("<13>done\n"));
  ASSERT_TRUE(slow.Send("<13>begun"));
  ASSERT_TRUE(Until([&] { return slow.Closed(); }));
  EXPECT_EQ(CountOf(status().closed, Closed::kUnfinished), 1U);
  EXPECT_EQ(status().connections, 2U);
  EXPECT_THAT(sink_.Texts(), testing::UnorderedElementsAre("<13>done", "<13>begun"));
}

TEST_F(SyslogStream, ClosesWhoHoldsMostWhenAllHoldTooMuch) {
  ListenerLimits limits;
  limits.held_bytes = 100'000;
  const std::string address = Listen({}, limits);
  Sender small(address, SOCK_STREAM);
  Sender large(address, SOCK_STREAM);
  ASSERT_TRUE(small.Send("90000 <13>" + std::string(30'000, 's')));
  ASSERT_TRUE(Until([&] { return status().held_bytes >= 30'000; }));
  ASSERT_TRUE(large.Send("200000 <13>" + std::string(90'000, 'l')));
  ASSERT_TRUE(Until([&] { return large.Closed(); }));
  EXPECT_EQ(CountOf(status().closed, Closed::kMemory), 1U);
  EXPECT_LE(status().held_bytes, limits.held_bytes);
  EXPECT_FALSE(small.Closed());
  ASSERT_TRUE(small.Send(std::string(90'000 - 30'004, 's') + "<13>next\n"));
  ASSERT_TRUE(Until([&] { return sink_.count > 0 && sink_.Texts().back() == "<13>next"; }));
}

TEST_F(SyslogStream, RefusesConnectionsBeyondTheLimit) {
  ListenerLimits limits;
  limits.connections = 2;
  const std::string address = Listen({}, limits);
  Sender first(address, SOCK_STREAM);
  Sender second(address, SOCK_STREAM);
  Sender third(address, SOCK_STREAM);
  ASSERT_TRUE(Until([&] { return third.Closed(); }));
  EXPECT_EQ(CountOf(status().refused, Refused::kLimit), 1U);
  first.Close();
  ASSERT_TRUE(Until([&] { return status().connections == 1; }));
  Sender fourth(address, SOCK_STREAM);
  ASSERT_TRUE(fourth.Send("<13>in\n"));
  EXPECT_TRUE(UntilFrames(1));
}

TEST_F(SyslogStream, LetsConnectionsWaitWhileNoDescriptorIsFree) {
  const std::string address = Listen({});
  Sender first(address, SOCK_STREAM);
  ASSERT_TRUE(first.Send("<13>first\n"));
  const auto refused = [&] { return CountOf(status().refused, Refused::kOpenFiles) >= 3; };
  ASSERT_TRUE(Until([&] { return sink_.count == 1 && !refused(); }));
  Sender second(address, SOCK_STREAM);
  ASSERT_TRUE(second.Send("<13>patient\n"));
  // UBSan needs descriptors to look at a type the first time, so what logging uses is used before.
  spdlog::warn("source={}: no descriptor is free {}", address, 1);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(0);
  close(next);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool waited = Until(refused);
  const std::uint64_t frames = sink_.count;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(waited);
  EXPECT_EQ(frames, 1U);
  EXPECT_TRUE(UntilFrames(2));
}

TEST_F(SyslogStream, ServesAThousandSendersAtOnce) {
  constexpr int kSenders = 1000;
  constexpr int kFrames = 20;
  sink_.keep = false;
  const std::string address = Listen({});
  std::thread thread([&] {
    std::vector<Sender> senders;
    for (int i = 0; i < kSenders; ++i) senders.emplace_back(address, SOCK_STREAM);
    for (int k = 0; k < kFrames; ++k) {
      for (const Sender& sender : senders) EXPECT_TRUE(sender.Send(Counted("<13>hello")));
    }
  });
  const bool came = UntilFrames(kSenders * kFrames);
  thread.join();
  EXPECT_TRUE(came);
  EXPECT_EQ(sink_.count, std::uint64_t{kSenders} * kFrames);
  EXPECT_EQ(status().accepted, std::uint64_t{kSenders});
  EXPECT_TRUE(Until([&] { return status().connections == 0; }));
}

TEST_F(SyslogStream, HoldsTenThousandIdleConnections) {
  constexpr std::size_t kWanted = 10'000;
  const std::size_t limit = net::RaiseOpenFiles(2 * kWanted + 500);
  const std::size_t count = std::min(kWanted, (limit - 500) / 2);
  const std::string address = Listen({});
  std::vector<Sender> senders;
  while (senders.size() < count) {
    senders.emplace_back(address, SOCK_STREAM);
    ASSERT_TRUE(senders.back().connected());
    io_.restart();
    io_.poll();
  }
  ASSERT_TRUE(Until([&] { return status().connections == count; }));
  EXPECT_EQ(status().held_bytes, 0U);
  ASSERT_TRUE(senders.front().Send("<13>first\n"));
  ASSERT_TRUE(senders.back().Send("<13>last\n"));
  EXPECT_TRUE(UntilFrames(2));
}

TEST_F(SyslogStream, KeepsAFloodFromStarvingOthers) {
  sink_.keep = false;
  const std::string address = Listen({});
  Sender flood(address, SOCK_STREAM);
  Sender quiet(address, SOCK_STREAM);
  std::atomic<bool> stop = false;
  std::thread thread([&] {
    std::string block;
    for (int i = 0; i < 10'000; ++i) block += "<13>flood\n";
    while (!stop && flood.Send(block)) continue;
  });
  const bool flooding = UntilFrames(100'000);
  EXPECT_TRUE(quiet.Send("<13>quiet\n"));
  quiet.Close();  // once it is read the connection is gone
  const bool gone = Until([&] { return status().connections == 1; });
  stop = true;
  const bool ended = Until([&] {
    shutdown(flood.fd(), SHUT_RDWR);
    return status().connections == 0;
  });
  thread.join();
  EXPECT_TRUE(flooding && gone && ended);
}

TEST_F(SyslogStream, HandsOnOpenFramesWhenItStops) {
  Sender sender(Listen({}), SOCK_STREAM);
  ASSERT_TRUE(sender.Send("<13>open"));
  ASSERT_TRUE(Until([&] { return status().connections == 1; }));
  io_.restart();
  io_.poll();
  listeners_->Stop();
  EXPECT_THAT(sink_.Texts(), ElementsAre("<13>open"));
  EXPECT_TRUE(sender.Closed());
}

TEST_F(SyslogStream, ListensOnEveryAddressOfBothFamilies) {
  const std::string address = Listen({.address = ":0"});
  const std::string port = address.substr(address.rfind(':'));
  for (const char* host : {"127.0.0.1", "[::1]"}) {
    Sender sender(host + port, SOCK_STREAM);
    ASSERT_TRUE(sender.Send("<13>x\n")) << host;
  }
  ASSERT_TRUE(UntilFrames(2));
  EXPECT_EQ(sink_.frames[0].peer, "127.0.0.1");
  EXPECT_EQ(sink_.frames[1].peer, "::1");
}

TEST_F(SyslogStream, TellsWhatToDoWhenAnAddressIsTaken) {
  const std::string address = Listen({});
  SyslogListeners other(io_.get_executor());
  const Status status = other.Open({.name = "second", .address = address}, sink_);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("source second: cannot listen on " + address));
  EXPECT_THAT(status.error().message, HasSubstr("`ss -ltnp sport = :"));
}

TEST_F(SyslogStream, TellsOfASourceThatIsNamedTwice) {
  SyslogListeners listeners(io_.get_executor());
  const SyslogListenerOptions options{.name = "tcp:127.0.0.1:0", .address = "127.0.0.1:0"};
  ASSERT_TRUE(listeners.Open(options, sink_).ok());
  const Status again = listeners.Open(options, sink_);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().message, "source tcp:127.0.0.1:0: named twice");
}

class SyslogUnixStream : public SyslogTest {
 protected:
  const std::string path_ = testing::TempDir() + "pgbeacon-stream-" + std::to_string(getpid());
};

TEST_F(SyslogUnixStream, TakesFramesAndRemovesItsFile) {
  const std::string address = Listen({.kind = ListenerKind::kUnixStream, .address = path_});
  EXPECT_EQ(address, path_);
  Sender sender(path_, SOCK_STREAM);
  ASSERT_TRUE(sender.Send("<13>by file\n"));
  ASSERT_TRUE(UntilFrames(1));
  EXPECT_EQ(sink_.frames[0].peer, "");
  listeners_.reset();
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace pgbeacon::ingest
