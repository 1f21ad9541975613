#include "exporter/cli/serve.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "exporter/http/scrape_timeout.h"
#include "exporter/http/server.h"
#include "exporter/ingest/log_pipeline.h"
#include "exporter/metrics/self.h"
#include "exporter/metrics/writer.h"
#include "exporter/net/asio.h"
#include "exporter/scrape/target.h"

namespace pgbeacon::cli {
namespace {

using http::Request;
using http::Response;
using RequestPtr = std::shared_ptr<const Request>;

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

ingest::SourceOptions ToIngest(const config::Source& source, const std::string& server) {
  ingest::SourceOptions options;
  options.name = source.file;
  options.glob = source.file;
  options.form = source.form;
  options.all_forms = source.all_forms;
  options.prefix = source.prefix;
  options.from_begin = source.from_begin.value_or(false);
  options.server = source.server.empty() ? server : source.server;
  return options;
}

/// All log sources: the file's and the flags', each with the server it speaks of.
std::vector<ingest::SourceOptions> Sources(const config::Config& config, const ServeFlags& flags) {
  const std::string server = config.target ? config.target->name : HostName();
  std::vector<ingest::SourceOptions> sources;
  if (config.target) {
    for (const config::Source& source : config.target->sources) {
      sources.push_back(ToIngest(source, server));
    }
  }
  for (const config::Source& source : config.sources) sources.push_back(ToIngest(source, server));
  for (const std::string& file : flags.source_files) {
    config::Source source;
    source.file = file;
    source.form = log::ParseForm(flags.source_format).value_or(log::FormKind::kAuto);
    source.prefix = flags.source_prefix;
    source.from_begin = flags.source_from == "begin";
    source.server = flags.source_server;
    sources.push_back(ToIngest(source, server));
  }
  return sources;
}

/// The running exporter. Everything but the ingest thread happens on the I/O thread.
class Service {
 public:
  Service(Setup setup, ServeFlags flags, log::Catalogue events)
      : setup_(std::move(setup)),
        flags_(std::move(flags)),
        events_(std::move(events)),
        pipeline_(events_, ToTallyOptions(setup_.config, flags_.datname_limit, flags_.fingerprints),
                  Sources(setup_.config, flags_)),
        server_(io_.get_executor(), pool_, {}, [this](std::string_view handler, int status) {
          ++self_.requests[{std::string(handler), status}];
        }) {
    self_.config_read = setup_.config.errors->empty();
    if (setup_.config.target) MakeTarget();
  }

  Status Start() {
    Route(flags_.telemetry_path, &Service::Metrics);
    Route("/-/healthy", &Service::Healthy);
    Route("/-/ready", &Service::Ready);
    if (flags_.telemetry_path != "/") Route("/", &Service::Root);
    for (const std::string& address : flags_.listen) {
      const Status listening = server_.Listen(address);
      if (!listening.ok()) return listening;
    }
    pipeline_.Start();
    for (const std::string& address : server_.addresses()) {
      spdlog::info("listening on http://{}{} address={}", address, flags_.telemetry_path, address);
    }
    return {};
  }

  void Run() {
    net::asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait([this](const net::error_code& error, int signal) {
      if (!error) Shutdown(signal);
    });
    if (target_) Spawn(FirstScrape());
    io_.run();
    pipeline_.Stop();
  }

 private:
  void MakeTarget() {
    target_ = std::make_unique<scrape::Target>(io_.get_executor(), pool_, setup_.collectors,
                                               ToTargetOptions(setup_));
    target_->OnFacts(
        [this, name = setup_.config.target->name](const collectors::ServerFacts& facts) {
          const auto prefix = facts.settings.find("log_line_prefix");
          if (prefix != facts.settings.end()) pipeline_.SetServerPrefix(name, prefix->second);
        });
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
  }

  net::awaitable<Response> Metrics(RequestPtr request) {
    const TimePoint deadline =
        request->received +
        http::ScrapeBudget(request->Header(http::kScrapeTimeoutHeader), setup_.collection_timeout);
    Families page;
    if (target_) page = co_await target_->Scrape(deadline);
    std::ranges::move(pipeline_.Collect(), std::back_inserter(page));
    metrics::AppendSelf(self_, page);
    self_.dropped_series += Normalize(page);
    const metrics::Format format = metrics::NegotiateFormat(request->Header("accept"));
    Response response;
    response.content_type = metrics::ContentType(format);
    response.compressible = true;
    self_.dropped_series += metrics::WritePage(format, page, response.body);
    co_return response;
  }

  net::awaitable<Response> Healthy(RequestPtr) {
    Response response;
    response.body = "pgbeacon is healthy\n";
    co_return response;
  }

  net::awaitable<Response> Ready(RequestPtr) {
    Response response;
    const bool asked = !target_ || target_->attempted();
    const bool open = pipeline_.ready();
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
    if (target_) {
      net::asio::co_spawn(io_, target_->Close(), [this](std::exception_ptr) { io_.stop(); });
    } else {
      io_.stop();
    }
  }

  Setup setup_;
  ServeFlags flags_;
  log::Catalogue events_;
  net::asio::io_context io_{1};
  net::BlockingPool pool_;
  ingest::LogPipeline pipeline_;
  std::unique_ptr<scrape::Target> target_;
  http::Server server_;
  metrics::SelfStats self_;
};

}  // namespace

int RunServe(Setup setup, const ServeFlags& flags) {
  Result<log::Catalogue> events = config::LoadEvents(setup.config);
  for (const std::string& mistake : setup.config.errors->messages()) {
    spdlog::error("{}; going on without it", mistake);
  }
  if (!events.ok()) {
    spdlog::error("{}", events.error().message);
    return 1;
  }
  Service service(std::move(setup), flags, *std::move(events));
  const Status started = service.Start();
  if (!started.ok()) {
    spdlog::error("{}", started.error().message);
    return 1;
  }
  service.Run();
  return 0;
}

}  // namespace pgbeacon::cli
