#include "exporter/cli/serve.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/text.h"
#include "exporter/cli/check_pages.h"
#include "exporter/cli/leaving.h"
#include "exporter/cli/log_service.h"
#include "exporter/cli/logplex_options.h"
#include "exporter/cli/pages.h"
#include "exporter/cli/roster.h"
#include "exporter/cli/web_flags.h"
#include "exporter/cli/web_service.h"
#include "exporter/config/files.h"
#include "exporter/fleet/fleet.h"
#include "exporter/http/server.h"
#include "exporter/net/asio.h"
#include "exporter/net/event.h"
#include "exporter/net/open_files.h"

namespace pgbeacon::cli {
namespace {

constexpr std::size_t kLogplexConnections = 8192;  // every drain has its own
constexpr std::size_t kOtherFiles = 1024;
constexpr std::size_t kLargePage = 1 << 20;
constexpr std::size_t kMostCalls = 64;  // that hang at once, on files and names
constexpr std::chrono::seconds kReloading{10};
constexpr std::chrono::milliseconds kClosing{1200};
constexpr std::chrono::milliseconds kEnding{1800};  // all of it, with the logs' last commit

/// More connections where Logplex delivers, as far as there may be files.
http::Limits HttpLimits(const Setup& setup, const ServeFlags& flags, const WebFlags& web) {
  http::Limits limits = ToLimits(web);
  if (web.max_connections) {
    net::RaiseOpenFiles(limits.connections + kOtherFiles);
    return limits;
  }
  if (!ToLogplexOptions(setup.config.logplex, flags)) return limits;
  const std::size_t files = net::RaiseOpenFiles(kLogplexConnections + kOtherFiles);
  limits.connections =
      std::clamp(files - std::min(files, kOtherFiles), limits.connections, kLogplexConnections);
  return limits;
}

/// What needs another start where it changes: logs and who may read them.
std::string Fixed(const config::Config& config) {
  std::string text = config.fixed_text;
  for (const config::Target* target : AllTargets(config)) {
    for (const config::Source& source : target->sources) text += target->name + "\n" + source.file;
  }
  return text;
}

/// The running exporter. Everything but the ingest thread happens on the I/O thread.
class Service {
 public:
  Service(Setup setup, ServeFlags flags, WebFlags web, log::Catalogue events, PrepareAgain again,
          Leaving& leaving)
      : leaving_(leaving),
        setup_(std::move(setup)),
        flags_(std::move(flags)),
        web_flags_(std::move(web)),
        events_(std::move(events)),
        again_(std::move(again)),
        logs_(setup_, flags_, events_, io_.get_executor(), pool_, calls_),
        fleet_(io_.get_executor(), calls_,
               [this](const std::string& name, const collectors::ServerFacts& facts) {
                 const auto prefix = facts.settings.find("log_line_prefix");
                 if (prefix != facts.settings.end()) logs_.SetServerPrefix(name, prefix->second);
               }),
        pages_(fleet_, logs_, {flags_.telemetry_path, setup_.collection_timeout}),
        check_pages_(fleet_),
        server_(io_.get_executor(), pool_, HttpLimits(setup_, flags_, web_flags_),
                [this](std::string_view handler, int status) {
                  ++pages_.self().requests[{std::string(handler), status}];
                }),
        web_(web_flags_, flags_, io_.get_executor(), pool_),
        ending_(io_.get_executor()),
        closing_(io_) {
    pages_.Show([this](Families& page) { web_.AppendFamilies(server_, page); });
    Follow(setup_);
  }

  Status Start() {
    pages_.Serve(server_);
    check_pages_.Serve(server_);
    if (flags_.enable_lifecycle) {
      for (const char* method : {"POST", "PUT"}) {
        server_.Route(method, "/-/reload",
                      [this](std::shared_ptr<const http::Request>) { return ReloadAsked(); });
      }
    }
    const Status listening = web_.Open(server_);
    if (!listening.ok()) return listening;
    const Status opened = logs_.Open(server_);
    if (!opened.ok()) return opened;
    logs_.Start();
    return {};
  }

  void Run() {
    net::asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait([this](const net::error_code& error, int signal) {
      if (!error) Shutdown(signal);
    });
    net::asio::signal_set hang_up(io_, SIGHUP);
    LetHangUpThrough();
    Spawn(ReloadOnHangUp(hang_up));
    Spawn(WatchFiles());
    Spawn(fleet_.First(setup_.collection_timeout));
    io_.run();
    logs_.Stop();
    leaving_.Within(Leaving::kPatience, 0);  // all is written; a name server or a mount may hang
  }

 private:
  /// Watches the targets of the setup from now on.
  void Follow(const Setup& setup) {
    const config::Config& config = setup.config;
    file_sd_ = config.file_sd;
    fleet_.Apply(ToRoster(setup, {io_.get_executor(), calls_, events_, logs_.hub()}));
    metrics::SelfStats& self = pages_.self();
    self.config_errors = AllMistakes(config);
    if (self.config_errors.empty()) self.config_read_unix = UnixNow();
    self.restart_required = Fixed(config) != Fixed(setup_.config);
    if (self.restart_required) {
      spdlog::warn(
          "the config has changed in a part that is read at the start only (logs, drains, "
          "events, state): start pgbeacon anew for it");
    }
    metrics::PeerStats& peer = pages_.peer();
    peer.config_read = self.config_errors.empty();
    peer.config_read_unix = self.config_read_unix;
    peer.queries_file = config.peer_queries.file;
    peer.queries_sha256 = config.peer_queries.sha256;
    peer.queries_failed = config.peer_queries.failed;
  }

  void Spawn(net::awaitable<void> work) {
    net::asio::co_spawn(io_, std::move(work), [](std::exception_ptr failure) {
      try {
        if (failure) std::rethrow_exception(failure);
      } catch (const std::exception& error) {
        spdlog::error("internal error: {}", error.what());
      }
    });
  }

  /// One reading of the config, shared by those who wait for it.
  struct Reading {
    explicit Reading(net::any_io_executor executor) : ended(std::move(executor)) {}
    net::Event ended;
    bool followed = false;
    std::vector<std::string> mistakes;
  };

  /// Reads everything again, after a reading that is under way. Null where that takes too long, on
  /// a file system that hangs.
  net::awaitable<std::shared_ptr<Reading>> Reload() {
    const TimePoint deadline = SteadyClock::now() + kReloading;
    while (const std::shared_ptr<Reading> other = reading_) {
      const bool ended = co_await other->ended.Wait(deadline);
      if (!ended) co_return nullptr;
    }
    const auto own = std::make_shared<Reading>(io_.get_executor());
    reading_ = own;
    Spawn(ReadAgain(own));
    const bool ended = co_await own->ended.Wait(deadline);
    co_return ended ? own : nullptr;
  }

  net::awaitable<void> ReadAgain(std::shared_ptr<Reading> own) {
    try {
      Result<Setup> read = co_await calls_.Run(again_);
      Take(std::move(read), *own);
    } catch (const std::exception& error) {
      own->mistakes = {std::string("internal error: ") + error.what()};
    }
    reading_.reset();
    own->ended.Set();
  }

  /// With a mistake in the config itself all stays as it is; each file that it names for targets
  /// stands alone.
  void Take(Result<Setup> read, Reading& reading) {
    reading.mistakes = read.ok() ? AllMistakes(read->config) : std::vector{read.error().message};
    reading.followed = read.ok() && read->config.errors->empty();
    if (reading.followed) {
      for (const std::string& mistake : reading.mistakes) spdlog::error("{}", mistake);
      Follow(*read);
      spdlog::info("the config has been read again targets={}", fleet_.all().size());
      Spawn(fleet_.First(setup_.collection_timeout));
      return;
    }
    spdlog::error("the config is not followed, the one from before stays: {}",
                  Join(reading.mistakes, "\n"));
    pages_.self().config_errors = reading.mistakes;
    pages_.peer().config_read = false;
  }

  net::awaitable<http::Response> ReloadAsked() {
    const std::shared_ptr<Reading> reading = co_await Reload();
    http::Response response;
    if (!reading) {
      response.status = 503;
      response.body = "the config is still being read: a file of it does not answer\n";
    } else if (!reading->followed || !reading->mistakes.empty()) {
      response.status = reading->followed ? 200 : 500;
      response.body = Join(reading->mistakes, "\n") + "\n";
    }
    co_return response;
  }

  net::awaitable<void> ReloadOnHangUp(net::asio::signal_set& hang_up) {
    for (;;) {
      const auto [error, signal] = co_await hang_up.async_wait(net::kNoThrow);
      if (error) co_return;
      co_await Reload();
    }
  }

  /// Reloads when a file that names targets has changed, come or gone.
  net::awaitable<void> WatchFiles() {
    while (!ending_.happened()) {
      const TimePoint next = SteadyClock::now() + file_sd_.refresh;
      const bool ended = co_await ending_.Wait(next);
      if (ended) co_return;
      const auto look = [file_sd = file_sd_] { return config::StampOf(FileSdPaths(file_sd)); };
      std::string now = co_await calls_.Run(look);
      if (now == file_sd_.stamp) continue;
      file_sd_.stamp = std::move(now);
      co_await Reload();
    }
  }

  void Shutdown(int signal) {
    spdlog::info("received {}, shutting down", signal == SIGINT ? "SIGINT" : "SIGTERM");
    leaving_.Within(kEnding, 0);
    ending_.Set();
    server_.Stop();
    net::asio::co_spawn(io_, fleet_.Close(), [this](std::exception_ptr) { io_.stop(); });
    closing_.expires_after(kClosing);
    closing_.async_wait([this](const net::error_code&) { io_.stop(); });
  }

  Leaving& leaving_;
  Setup setup_;  ///< of the start
  config::FileSd file_sd_;
  ServeFlags flags_;
  WebFlags web_flags_;
  log::Catalogue events_;
  PrepareAgain again_;
  net::asio::io_context io_{1};
  net::BlockingPool pool_;                  ///< for what takes a processor: pages, passwords
  net::BlockingPool calls_{2, kMostCalls};  ///< for what may hang: files, name servers
  LogService logs_;
  fleet::Fleet fleet_;
  Pages pages_;
  CheckPages check_pages_;
  http::Server server_;
  WebService web_;
  net::Event ending_;
  net::asio::steady_timer closing_;
  std::shared_ptr<Reading> reading_;
};

}  // namespace

int RunServe(Setup setup, const ServeFlags& flags, const WebFlags& web, PrepareAgain again) {
  Leaving leaving;
  mallopt(M_MMAP_THRESHOLD, kLargePage);  // pages go back to the system once they are sent
  Result<log::Catalogue> events = config::LoadEvents(setup.config);
  for (const std::string& mistake : AllMistakes(setup.config)) {
    spdlog::error("{}; going on without it", mistake);
  }
  if (!events.ok()) {
    spdlog::error("{}", events.error().message);
    return 1;
  }
  Service service(std::move(setup), flags, web, *std::move(events), std::move(again), leaving);
  const Status started = service.Start();
  if (!started.ok()) {
    spdlog::error("{}", started.error().message);
    return 1;
  }
  service.Run();
  return 0;
}

}  // namespace pgbeacon::cli
