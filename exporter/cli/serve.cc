#include "exporter/cli/serve.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "exporter/cli/log_service.h"
#include "exporter/cli/logplex_options.h"
#include "exporter/cli/sample.h"
#include "exporter/cli/web_flags.h"
#include "exporter/cli/web_service.h"
#include "exporter/http/scrape_timeout.h"
#include "exporter/http/server.h"
#include "exporter/metrics/self.h"
#include "exporter/metrics/writer.h"
#include "exporter/native/native.h"
#include "exporter/net/asio.h"
#include "exporter/net/open_files.h"
#include "exporter/pg/conninfo.h"
#include "exporter/sample/sample_loop.h"
#include "exporter/scrape/target.h"

namespace pgbeacon::cli {
namespace {

constexpr std::size_t kLogplexConnections = 8192;  // every drain has its own
constexpr std::size_t kLargePage = 1 << 20;
constexpr std::size_t kOtherFiles = 1024;

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

using http::Request;
using http::Response;
using RequestPtr = std::shared_ptr<const Request>;

/// The running exporter. Everything but the ingest thread happens on the I/O thread.
class Service {
 public:
  Service(Setup setup, ServeFlags flags, WebFlags web, log::Catalogue events)
      : setup_(std::move(setup)),
        flags_(std::move(flags)),
        web_flags_(std::move(web)),
        events_(std::move(events)),
        logs_(setup_, flags_, events_, io_.get_executor(), pool_),
        server_(io_.get_executor(), pool_, HttpLimits(setup_, flags_, web_flags_),
                [this](std::string_view handler, int status) {
                  ++self_.requests[{std::string(handler), status}];
                }),
        web_(web_flags_, flags_, io_.get_executor(), pool_) {
    self_.config_read = setup_.config.errors->empty();
    peer_.config_read = self_.config_read;
    peer_.config_read_unix = self_.config_read ? UnixNow() : 0;
    peer_.queries_file = setup_.config.peer_queries.file;
    peer_.queries_sha256 = setup_.config.peer_queries.sha256;
    peer_.queries_failed = setup_.config.peer_queries.failed;
    if (setup_.config.target) MakeTarget();
  }

  Status Start() {
    const Status sampling = MakeSampleLoop();
    if (!sampling.ok()) return sampling;
    Route(flags_.telemetry_path, &Service::Metrics);
    Route("/-/healthy", &Service::Healthy);
    Route("/-/ready", &Service::Ready);
    if (flags_.telemetry_path != "/") Route("/", &Service::Root);
    const Status listening = web_.Open(server_);
    if (!listening.ok()) return listening;
    const Status opened = logs_.Open(server_);
    if (!opened.ok()) return opened;
    logs_.Start();
    return {};
  }

  void Run() {
    if (sample_loop_) sample_loop_->Start();
    net::asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait([this](const net::error_code& error, int signal) {
      if (!error) Shutdown(signal);
    });
    if (target_) Spawn(FirstScrape());
    io_.run();
    logs_.Stop();
  }

 private:
  void MakeTarget() {
    scrape::TargetOptions options = ToTargetOptions(setup_);
    options.sampling = true;
    target_ = std::make_unique<scrape::Target>(io_.get_executor(), pool_, setup_.collectors,
                                               std::move(options));
    native::Options native_options;
    native_options.server = setup_.config.target->name;
    native_options.local = pg::IsLocal(setup_.config.target->conninfo);
    native_options.sources = setup_.config.target->native;
    native_options.selection = setup_.config.selection;
    native_ = std::make_unique<native::Native>(io_.get_executor(), pool_, *target_,
                                               std::move(native_options));
    target_->OnFacts(
        [this, name = setup_.config.target->name](const collectors::ServerFacts& facts) {
          native_->SetFacts(facts);
          const auto prefix = facts.settings.find("log_line_prefix");
          if (prefix != facts.settings.end()) logs_.SetServerPrefix(name, prefix->second);
        });
  }

  /// sample# records go to those who read logs and to the drains.
  Status MakeSampleLoop() {
    const std::optional<config::Sample>& sample = setup_.config.sample;
    if (!sample || !target_) return {};
    Result<std::unique_ptr<sample::Sampler>> sampler =
        sample::Sampler::Make(*target_, pool_, events_.samples(), ToSamplerOptions(setup_));
    if (!sampler.ok()) return sampler.error();
    const std::string server = setup_.config.target->name;
    sample_loop_ = std::make_unique<sample::SampleLoop>(
        io_.get_executor(), *std::move(sampler), server, sample->interval,
        [this, server](const std::string& line) {
          logs_.hub()->Add({.server = server,
                            .source = sample::kSource,
                            .process = sample::kProcess,
                            .text = line});
        });
    return {};
  }

  using Member = net::awaitable<Response> (Service::*)(RequestPtr);

  void Route(const std::string& path, Member member) {
    server_.Route("GET", path, [this, member](RequestPtr request) {
      return (this->*member)(std::move(request));
    });
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

  /// Learns the server's version, role and log_line_prefix before anybody asks for a page.
  net::awaitable<void> FirstScrape() {
    const TimePoint deadline = SteadyClock::now() + setup_.collection_timeout;
    const Families page = co_await target_->Scrape(deadline);
    native_->Begin(SteadyClock::now(), deadline);
  }

  net::awaitable<Response> Metrics(RequestPtr request) {
    const TimePoint deadline =
        request->received +
        http::ScrapeBudget(request->Header(http::kScrapeTimeoutHeader), setup_.collection_timeout);
    Families page;
    if (target_) {
      if (target_->attempted()) native_->Begin(request->received, deadline);
      page = co_await target_->Scrape(deadline);
      Families native = co_await native_->Collect(request->received, deadline);
      std::ranges::move(native, std::back_inserter(page));
      NoteScrape(page, request->received);
      metrics::AppendPeerSelf(peer_, page);
    }
    Families logs = co_await logs_.Collect(deadline);
    std::ranges::move(logs, std::back_inserter(page));
    metrics::AppendSelf(self_, page);
    web_.AppendFamilies(server_, page);
    self_.dropped_series += Normalize(page);
    const metrics::Format format = metrics::NegotiateFormat(request->Header("accept"));
    Response response;
    response.content_type = metrics::ContentType(format);
    response.compressible = true;
    response.body.reserve(page_bytes_);
    self_.dropped_series += metrics::WritePage(format, page, response.body);
    page_bytes_ = response.body.size() + response.body.size() / 16;
    page = {};
    // What a large page took would otherwise stay with us until the next one.
    if (response.body.size() >= kLargePage) malloc_trim(0);
    co_return response;
  }

  void NoteScrape(const Families& page, TimePoint begun) {
    ++peer_.scrapes;
    peer_.last_scrape_seconds = Seconds(SteadyClock::now() - begun);
    peer_.last_scrape_failed = std::ranges::any_of(page, [](const Family& family) {
      return family.name == "pg_scrape_collector_success" &&
             std::ranges::any_of(family.metric,
                                 [](const auto& metric) { return metric.gauge.value == 0; });
    });
  }

  net::awaitable<Response> Healthy(RequestPtr) {
    Response response;
    response.body = "pgbeacon is healthy\n";
    co_return response;
  }

  net::awaitable<Response> Ready(RequestPtr) {
    Response response;
    const bool asked = !target_ || target_->attempted();
    const bool open = logs_.ready();
    if (!asked || !open) response.status = 503;
    response.body = !asked  ? "not ready: the server has not been asked yet\n"
                    : !open ? "not ready: log sources are being opened\n"
                            : "pgbeacon is ready\n";
    co_return response;
  }

  net::awaitable<Response> Root(RequestPtr) {
    Response response;
    response.status = 302;
    response.headers.emplace_back("Location", flags_.telemetry_path);
    response.body = "see " + flags_.telemetry_path + "\n";
    co_return response;
  }

  void Shutdown(int signal) {
    spdlog::info("received {}, shutting down", signal == SIGINT ? "SIGINT" : "SIGTERM");
    server_.Stop();
    if (sample_loop_) sample_loop_->Stop();
    if (target_) {
      net::asio::co_spawn(io_, CloseTarget(), [this](std::exception_ptr) { io_.stop(); });
    } else {
      io_.stop();
    }
  }

  net::awaitable<void> CloseTarget() {
    co_await target_->Close();
    co_await native_->Close();
  }

  Setup setup_;
  ServeFlags flags_;
  WebFlags web_flags_;
  log::Catalogue events_;
  net::asio::io_context io_{1};
  net::BlockingPool pool_;
  LogService logs_;
  std::unique_ptr<scrape::Target> target_;
  std::unique_ptr<native::Native> native_;
  std::unique_ptr<sample::SampleLoop> sample_loop_;
  http::Server server_;
  WebService web_;
  metrics::SelfStats self_;
  metrics::PeerStats peer_;
  std::size_t page_bytes_ = 0;  // what a page is likely to take
};

}  // namespace

int RunServe(Setup setup, const ServeFlags& flags, const WebFlags& web) {
  Result<log::Catalogue> events = config::LoadEvents(setup.config);
  for (const std::string& mistake : setup.config.errors->messages()) {
    spdlog::error("{}; going on without it", mistake);
  }
  if (!events.ok()) {
    spdlog::error("{}", events.error().message);
    return 1;
  }
  Service service(std::move(setup), flags, web, *std::move(events));
  const Status started = service.Start();
  if (!started.ok()) {
    spdlog::error("{}", started.error().message);
    return 1;
  }
  service.Run();
  return 0;
}

}  // namespace pgbeacon::cli
