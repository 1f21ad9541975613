#include <sys/stat.h>

#include "tests/unit/ingest/syslog_support.h"

namespace pgbeacon::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SyslogUdp : public SyslogTest {};

TEST_F(SyslogUdp, TakesADatagramAsAFrame) {
  const std::string address = Listen({.kind = ListenerKind::kUdp, .address = ":0"});
  const std::string port = address.substr(address.rfind(':'));
  const std::string largest(65'507, 'x');
  ASSERT_TRUE(Sender("127.0.0.1" + port, SOCK_DGRAM).Send("<13>one\nand two"));
  ASSERT_TRUE(Sender("[::1]" + port, SOCK_DGRAM).Send("5 <13>x"));
  ASSERT_TRUE(Sender("127.0.0.1" + port, SOCK_DGRAM).Send(largest));
  ASSERT_TRUE(UntilFrames(3));
  EXPECT_THAT(sink_.Texts(), ElementsAre("<13>one\nand two", "<13>x", largest));
  EXPECT_EQ(sink_.frames[0].peer, "127.0.0.1");
  EXPECT_EQ(sink_.frames[1].peer, "::1");
  EXPECT_EQ(sink_.frames[2].peer, "127.0.0.1");
}

TEST_F(SyslogUdp, TakesTheOctetCountOffThatItsSenderWrote) {
  const Sender sender(Listen({.kind = ListenerKind::kUdp}), SOCK_DGRAM);
  const std::string umlauts = "<13>gr\xc3\xbc\xc3\x9f";
  for (const std::string& datagram :
       {std::string("9 <13>hello"), std::string("10 <13>hello\n"), "6 " + umlauts,
        std::string("100 <13>rows"), std::string("5 apples"), std::string("5 "),
        std::string("05 <13>x"), std::string("12345678 <13>x")}) {
    ASSERT_TRUE(sender.Send(datagram));
  }
  ASSERT_TRUE(UntilFrames(8));
  EXPECT_THAT(sink_.Texts(), ElementsAre("<13>hello", "<13>hello\n", umlauts, "100 <13>rows",
                                         "5 apples", "5 ", "<13>x", "12345678 <13>x"));
}

TEST_F(SyslogUdp, CutsAtTheLargestFrame) {
  const Sender sender(Listen({.kind = ListenerKind::kUdp, .most_frame = 10}), SOCK_DGRAM);
  ASSERT_TRUE(sender.Send("<13>123456"));
  ASSERT_TRUE(sender.Send("<13>1234567"));
  ASSERT_TRUE(UntilFrames(2));
  EXPECT_THAT(sink_.Texts(), ElementsAre("<13>123456", "<13>123456"));
  EXPECT_FALSE(sink_.frames[0].cut);
  EXPECT_TRUE(sink_.frames[1].cut);
}

TEST_F(SyslogUdp, CountsAnEmptyDatagramAsABadFrame) {
  const Sender sender(Listen({.kind = ListenerKind::kUdp}), SOCK_DGRAM);
  ASSERT_EQ(send(sender.fd(), "", 0, 0), 0);
  EXPECT_TRUE(Until([&] { return sink_.bad_frames == 1; }));
  EXPECT_EQ(sink_.count, 0U);
}

TEST_F(SyslogUdp, CountsWhatTheKernelDropped) {
  constexpr std::uint64_t kSent = 500;
  const Sender sender(Listen({.kind = ListenerKind::kUdp, .receive_buffer = 8192}), SOCK_DGRAM);
  for (std::uint64_t i = 0; i < kSent; ++i) ASSERT_TRUE(sender.Send(std::string(1000, 'x')));
  ASSERT_TRUE(Until([&] { return sink_.count + sink_.kernel_drops == kSent; }))
      << sink_.count << " " << sink_.kernel_drops;
  EXPECT_GT(sink_.count, 0U);
  EXPECT_GT(sink_.kernel_drops, 0U);
  const std::uint64_t dropped = sink_.kernel_drops;
  ASSERT_TRUE(sender.Send("one more"));
  ASSERT_TRUE(Until([&] { return sink_.count + sink_.kernel_drops == kSent + 1; }));
  EXPECT_EQ(sink_.kernel_drops, dropped);
}

TEST_F(SyslogUdp, ReadsWhatTheKernelHoldsBeforeItStops) {
  const Sender sender(Listen({.kind = ListenerKind::kUdp}), SOCK_DGRAM);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sender.Send("<13>late"));
  listeners_->Stop();
  EXPECT_EQ(sink_.count, 100U);
}

TEST_F(SyslogUdp, TellsTheBufferThatItWasGiven) {
  Listen({.kind = ListenerKind::kUdp, .receive_buffer = 100'000});
  EXPECT_EQ(status().receive_buffer, 100'000U);
  Families families;
  AppendFamilies(listeners_->statuses(), families);
  Normalize(families);
  ASSERT_EQ(families.size(), 1U);
  EXPECT_EQ(families[0].name, "pgbeacon_listener_receive_buffer_bytes");
}

TEST_F(SyslogUdp, TellsWhatToDoWhenThePortIsTaken) {
  const std::string address = Listen({.kind = ListenerKind::kUdp});
  SyslogListeners other(io_.get_executor());
  const Status status =
      other.Open({.name = "second", .kind = ListenerKind::kUdp, .address = address}, sink_);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("`ss -lunp sport = :"));
}

class SyslogUnix : public SyslogTest {
 protected:
  SyslogListenerOptions Options() const {
    return {.name = "unix", .kind = ListenerKind::kUnix, .address = path_};
  }

  const std::string path_ = testing::TempDir() + "pgbeacon-log-" + std::to_string(getpid());
};

TEST_F(SyslogUnix, TakesDatagramsFromEveryUser) {
  Listen(Options());
  struct stat file {};
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0666U);
  const Sender sender(path_, SOCK_DGRAM);
  const std::string large(150'000, 'x');
  ASSERT_TRUE(sender.Send("<134>Nov 20 20:14:23 postgres[4711]: [3-1] LOG:  hello"));
  ASSERT_TRUE(sender.Send(large));
  ASSERT_TRUE(UntilFrames(2));
  EXPECT_EQ(sink_.frames[0].bytes, "<134>Nov 20 20:14:23 postgres[4711]: [3-1] LOG:  hello");
  EXPECT_EQ(sink_.frames[0].peer, "");
  EXPECT_EQ(sink_.frames[1].bytes, large);
}

TEST_F(SyslogUnix, TakesThePlaceOfAListenerThatIsGone) {
  {
    const auto left = net::UnixSocket::Listen(path_ + ".left", net::Transport::kDatagram, 0600);
    ASSERT_TRUE(left.ok());
    ASSERT_EQ(link((path_ + ".left").c_str(), path_.c_str()), 0);
  }
  Listen(Options());
  EXPECT_TRUE(Sender(path_, SOCK_DGRAM).Send("x"));
  EXPECT_TRUE(UntilFrames(1));
  listeners_.reset();
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(SyslogUnix, LeavesAListenerThatIsThereAndOtherFilesAlone) {
  Listen(Options());
  SyslogListeners other(io_.get_executor());
  const Status taken = other.Open(Options(), sink_);
  ASSERT_FALSE(taken.ok());
  EXPECT_THAT(taken.error().message, HasSubstr("another program listens there"));
  SyslogListenerOptions stream = Options();
  stream.kind = ListenerKind::kUnixStream;
  EXPECT_FALSE(other.Open(stream, sink_).ok());
  SyslogListenerOptions file = Options();
  file.address = "/etc/hostname";
  const Status no_socket = other.Open(file, sink_);
  ASSERT_FALSE(no_socket.ok());
  EXPECT_THAT(no_socket.error().message, HasSubstr("no socket"));
  EXPECT_EQ(access("/etc/hostname", F_OK), 0);
}

TEST_F(SyslogUnix, DoesNotRemoveWhatTookItsPlace) {
  Listen(Options());
  ASSERT_EQ(unlink(path_.c_str()), 0);
  const auto next = net::UnixSocket::Listen(path_, net::Transport::kDatagram, 0666);
  ASSERT_TRUE(next.ok());
  listeners_.reset();
  EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace pgbeacon::ingest
