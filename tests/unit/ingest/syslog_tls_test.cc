#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/unit/ingest/syslog_support.h"

namespace pgbeacon::ingest {
namespace {

using net::TlsFailure;
using testing::HasSubstr;

/// Certificates made by the openssl program, in a folder of their own.
class Certificates {
 public:
  Certificates() : folder_(testing::TempDir() + "pgbeacon-tls-" + std::to_string(getpid()) + "/") {
    std::filesystem::create_directories(folder_);
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }

  /// NAME.crt and NAME.key, which vouch for themselves.
  net::TlsFiles Make(const std::string& name,
                     const std::string& key = "ec -pkeyopt ec_paramgen_curve:prime256v1") const {
    const std::string command = "openssl req -x509 -newkey " + key +
                                " -nodes -days 2 -subj /CN=" + name + " -keyout " + folder_ + name +
                                ".key -out " + folder_ + name + ".crt 2>/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return {.cert = folder_ + name + ".crt", .key = folder_ + name + ".key"};
  }
  void Replace(const net::TlsFiles& from, const net::TlsFiles& to) const {
    constexpr auto kOver = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(from.cert, to.cert, kOver);
    std::filesystem::copy_file(from.key, to.key, kOver);
  }

 private:
  const std::string folder_;
};

/// A sender that shakes hands; blocking, so it runs beside the listener.
class TlsSender {
 public:
  explicit TlsSender(const std::string& address, const net::TlsFiles& own = {})
      : socket_(address, SOCK_STREAM), context_(SSL_CTX_new(TLS_client_method())) {
    if (!own.cert.empty()) {
      SSL_CTX_use_certificate_chain_file(context_, own.cert.c_str());
      SSL_CTX_use_PrivateKey_file(context_, own.key.c_str(), SSL_FILETYPE_PEM);
    }
    session_ = SSL_new(context_);
    SSL_set_fd(session_, socket_.fd());
  }
  ~TlsSender() {
    SSL_free(session_);
    SSL_CTX_free(context_);
  }
  bool Connect() { return SSL_connect(session_) == 1; }
  /// The record of SSL_write, to be sent otherwise.
  std::string Seal(std::string_view bytes) {
    BIO* const wire = SSL_get_wbio(session_);
    BIO_up_ref(wire);
    BIO* const memory = BIO_new(BIO_s_mem());
    SSL_set0_wbio(session_, memory);
    SSL_write(session_, bytes.data(), static_cast<int>(bytes.size()));
    char* record = nullptr;
    const long size = BIO_get_mem_data(memory, &record);
    std::string sealed(record, static_cast<std::size_t>(size));
    SSL_set0_wbio(session_, wire);
    return sealed;
  }
  const Sender& socket() const { return socket_; }
  bool Send(std::string_view bytes) {
    return SSL_write(session_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  void Close() {
    SSL_shutdown(session_);
    socket_.Close();
  }
  std::string ServerName() {
    X509* certificate = SSL_get0_peer_certificate(session_);
    char name[64] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
    return name;
  }

 private:
  Sender socket_;
  SSL_CTX* context_;
  SSL* session_;
};

class SyslogTls : public SyslogTest {
 protected:
  static void SetUpTestSuite() { signal(SIGPIPE, SIG_IGN); }

  SyslogListenerOptions Options() const { return {.kind = ListenerKind::kTls, .tls = server_}; }

  /// Runs `client` beside the listener.
  template <class Client>
  void Beside(Client client) {
    std::atomic<bool> done = false;
    std::thread thread([&] {
      client();
      done = true;
    });
    EXPECT_TRUE(Until([&] { return done.load(); }));
    thread.join();
  }
  /// Whom the certificate speaks of that a sender is shown.
  std::string NameAt(const std::string& address) {
    std::string seen;
    Beside([&] {
      TlsSender sender(address);
      EXPECT_TRUE(sender.Connect());
      seen = sender.ServerName();
    });
    return seen;
  }
  std::uint64_t Failures(TlsFailure reason) const {
    return CountOf(status().handshake_failures, reason);
  }

  Certificates certificates_;
  net::TlsFiles server_ = certificates_.Make("first");
};

TEST_F(SyslogTls, TakesManyFramesInOrder) {
  constexpr int kFrames = 50'000;
  const std::string address = Listen(Options());
  Beside([&] {
    TlsSender sender(address);
    ASSERT_TRUE(sender.Connect());
    for (int i = 0; i < kFrames; i += 100) {
      std::string block;
      for (int k = i; k < i + 100; ++k) {
        const std::string message = "<13>frame " + std::to_string(k);
        block += std::to_string(message.size()) + " " + message;
      }
      ASSERT_TRUE(sender.Send(block));
    }
    sender.Close();
  });
  ASSERT_TRUE(UntilFrames(kFrames));
  EXPECT_EQ(sink_.frames[0].bytes, "<13>frame 0");
  EXPECT_EQ(sink_.frames[0].peer, "127.0.0.1");
  EXPECT_EQ(sink_.frames.back().bytes, "<13>frame 49999");
  EXPECT_TRUE(Until([&] { return status().connections == 0; }));
  EXPECT_EQ(CountOf(status().closed, Closed::kTls), 0U);
}

TEST_F(SyslogTls, AsksForCertificatesThatItsAuthorityVouchesFor) {
  const net::TlsFiles known = certificates_.Make("known");
  const net::TlsFiles stranger = certificates_.Make("stranger");
  SyslogListenerOptions options = Options();
  options.tls.client_ca = known.cert;
  const std::string address = Listen(std::move(options));
  Beside([&] {
    for (const net::TlsFiles& own : {known, stranger, net::TlsFiles{}}) {
      TlsSender sender(address, own);
      sender.Connect();
      sender.Send("<13>hello\n");
      sender.Close();
    }
  });
  ASSERT_TRUE(Until([&] {
    return Failures(TlsFailure::kNoCertificate) + Failures(TlsFailure::kBadCertificate) == 2;
  }));
  EXPECT_EQ(Failures(TlsFailure::kNoCertificate), 1U);
  EXPECT_EQ(sink_.count, 1U);
}

TEST_F(SyslogTls, CountsWhoSpeaksNoTls) {
  const std::string address = Listen(Options());
  Sender plain(address, SOCK_STREAM);
  ASSERT_TRUE(plain.Send("<13>Nov 20 20:14:23 db1 app: plain text\n"));
  ASSERT_TRUE(Until([&] { return Failures(TlsFailure::kProtocol) == 1; }));
  EXPECT_TRUE(Until([&] { return plain.Closed(); }));
  Sender gone(address, SOCK_STREAM);
  gone.Close();
  EXPECT_TRUE(Until([&] { return Failures(TlsFailure::kClosed) == 1; }));
  EXPECT_EQ(sink_.count, 0U);
}

TEST_F(SyslogTls, EndsHandshakesThatTakeTooLong) {
  ListenerLimits limits;
  limits.handshake = std::chrono::milliseconds(40);
  Sender silent(Listen(Options(), limits), SOCK_STREAM);
  ASSERT_TRUE(Until([&] { return silent.Closed(); }));
  EXPECT_EQ(Failures(TlsFailure::kTimeout), 1U);
  EXPECT_EQ(status().handshakes, 0U);
}

TEST_F(SyslogTls, ClosesWhoBeginsARecordAndDoesNotGoOn) {
  ListenerLimits limits;
  limits.unfinished = std::chrono::milliseconds(150);
  const std::string address = Listen(Options(), limits);
  std::vector<std::unique_ptr<TlsSender>> senders;
  for (int i = 0; i < 4; ++i) senders.push_back(std::make_unique<TlsSender>(address));
  std::vector<std::string> records;
  Beside([&] {
    for (const auto& sender : senders) {
      ASSERT_TRUE(sender->Connect());
      records.push_back(sender->Seal("<13>" + std::string(16'000, 'x') + "\n"));
    }
  });
  ASSERT_TRUE(Until([&] { return status().connections == 4 && status().handshakes == 0; }));
  EXPECT_EQ(status().held_bytes, 0U);
  const auto idle_since = std::chrono::steady_clock::now();
  Until([&] { return std::chrono::steady_clock::now() - idle_since > limits.unfinished; });
  // All idle for long: one sends a record in two pieces, two begin one, the last says nothing.
  ASSERT_TRUE(senders[0]->socket().Send(records[0].substr(0, 8000)));
  ASSERT_TRUE(senders[1]->socket().Send(records[1].substr(0, records[1].size() - 1)));
  ASSERT_TRUE(senders[2]->socket().Send(records[2].substr(0, 5)));
  ASSERT_TRUE(Until([&] { return status().held_bytes >= 3 * 16'000; }));
  ASSERT_TRUE(senders[0]->socket().Send(records[0].substr(8000)));
  ASSERT_TRUE(UntilFrames(1));
  ASSERT_TRUE(Until([&] { return status().connections == 2; }));
  EXPECT_EQ(CountOf(status().closed, Closed::kUnfinished), 2U);
  EXPECT_EQ(status().held_bytes, 0U);
  EXPECT_EQ(sink_.count, 1U);
}

TEST_F(SyslogTls, LetsSendersInDuringAFloodOfHandshakes) {
  ListenerLimits limits;
  limits.handshakes = 16;
  const std::string address = Listen(Options(), limits);
  std::vector<Sender> flood;
  for (int i = 0; i < 500; ++i) flood.emplace_back(address, SOCK_STREAM);
  ASSERT_TRUE(Until([&] { return status().accepted == 500; }));
  EXPECT_EQ(status().handshakes, 16U);
  EXPECT_EQ(Failures(TlsFailure::kCrowded), 500U - 16U);
  Beside([&] {
    TlsSender sender(address);
    ASSERT_TRUE(sender.Connect());
    ASSERT_TRUE(sender.Send("<13>honest\n"));
  });
  EXPECT_TRUE(UntilFrames(1));
}

TEST_F(SyslogTls, ReadsACertificateAgainThatHasChanged) {
  const std::string address = Listen(Options());
  const auto name = [&] { return NameAt(address); };
  EXPECT_EQ(name(), "first");
  certificates_.Replace(certificates_.Make("second"), server_);
  EXPECT_TRUE(Until([&] { return name() == "second"; }));
  std::filesystem::resize_file(server_.cert, 100);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(name(), "second");
  certificates_.Replace(certificates_.Make("third"), server_);
  EXPECT_TRUE(Until([&] { return name() == "third"; }));
  EXPECT_GT(status().certificate_not_after, UnixNow());
}

TEST_F(SyslogTls, TakesARenewalWithAnotherTypeOfKeyWhenBothFilesAreThere) {
  const std::string address = Listen(Options());
  const auto name = [&] { return NameAt(address); };
  constexpr auto kOver = std::filesystem::copy_options::overwrite_existing;
  const net::TlsFiles rsa = certificates_.Make("rsa", "rsa:2048");
  const net::TlsFiles curve = certificates_.Make("curve");
  EXPECT_EQ(name(), "first");
  std::filesystem::copy_file(rsa.key, server_.key, kOver);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(name(), "first");
  std::filesystem::copy_file(rsa.cert, server_.cert, kOver);
  EXPECT_TRUE(Until([&] { return name() == "rsa"; }));
  std::filesystem::copy_file(curve.cert, server_.cert, kOver);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(name(), "rsa");
  std::filesystem::copy_file(curve.key, server_.key, kOver);
  EXPECT_TRUE(Until([&] { return name() == "curve"; }));
}

TEST_F(SyslogTls, RefusesFilesThatItCannotUse) {
  SyslogListeners listeners(io_.get_executor());
  SyslogListenerOptions options = Options();
  options.name = "tls";
  options.address = "127.0.0.1:0";
  options.tls.cert = "/nowhere.crt";
  const Status missing = listeners.Open(options, sink_);
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("TLS certificate /nowhere.crt: "));
  options.tls = {.cert = server_.cert, .key = certificates_.Make("other").key};
  const Status mixed = listeners.Open(options, sink_);
  ASSERT_FALSE(mixed.ok());
  EXPECT_THAT(mixed.error().message, HasSubstr("key values mismatch"));
  const net::TlsFiles rsa = certificates_.Make("rsa", "rsa:2048");
  for (const auto& [cert, key] : {std::pair(server_.cert, rsa.key), {rsa.cert, server_.key}}) {
    options.tls = {.cert = cert, .key = key};
    const Status types = listeners.Open(options, sink_);
    ASSERT_FALSE(types.ok());
    EXPECT_THAT(types.error().message, HasSubstr("key values mismatch"));
  }
}

TEST_F(SyslogTls, ShowsItsFamilies) {
  Listen(Options());
  Families families;
  AppendFamilies(listeners_->statuses(), families);
  Normalize(families);
  std::vector<std::string> names;
  for (const Family& family : families) names.push_back(family.name);
  EXPECT_THAT(
      names,
      testing::ElementsAre(
          "pgbeacon_listener_connections", "pgbeacon_listener_connections_closed_total",
          "pgbeacon_listener_connections_refused_total", "pgbeacon_listener_connections_total",
          "pgbeacon_listener_held_bytes", "pgbeacon_tls_certificate_not_after_timestamp_seconds",
          "pgbeacon_tls_handshake_failures_total", "pgbeacon_tls_handshakes"));
}

}  // namespace
}  // namespace pgbeacon::ingest
