#include "exporter/cli/log_service.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "exporter/cli/logplex_options.h"
#include "exporter/net/event.h"

namespace pgbeacon::cli {
namespace {

constexpr std::chrono::seconds kCommitPatience{2};  // of a page with a commit

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

ingest::SourceOptions ToIngest(const config::Source& source, const std::string& server) {
  ingest::SourceOptions options;
  options.name = source.file == "-" ? "stdin" : source.file;
  options.glob = source.file;
  options.form = source.form;
  options.all_forms = source.all_forms;
  options.prefix = source.prefix;
  options.from_begin = source.from_begin.value_or(false);
  options.server = source.server.empty() ? server : source.server;
  return options;
}

/// All files: the config's and the flags', each with the server it speaks of.
std::vector<ingest::SourceOptions> Files(const config::Config& config, const ServeFlags& flags) {
  const std::string server = config.target ? config.target->name : HostName();
  std::vector<ingest::SourceOptions> sources;
  for (const config::Target* target : AllTargets(config)) {
    for (const config::Source& source : target->sources) {
      sources.push_back(ToIngest(source, target->name));
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

}  // namespace

bool HasLogSources(const config::Config& config, const ServeFlags& flags) {
  return !config.sources.empty() || !config.syslog.empty() || !flags.source_files.empty() ||
         ToLogplexOptions(config.logplex, flags) ||
         std::ranges::any_of(AllTargets(config),
                             [](const config::Target* target) { return !target->sources.empty(); });
}

LogService::LogService(const Setup& setup, const ServeFlags& flags, const log::Catalogue& events,
                       net::any_io_executor executor, net::BlockingPool& pool,
                       net::BlockingPool& calls)
    : setup_(setup),
      flags_(flags),
      executor_(std::move(executor)),
      pool_(pool),
      drains_(executor_, calls, setup.config.drains),
      pipeline_(events, ToTallyOptions(setup.config, flags.datname_limit, flags.fingerprints),
                Files(setup.config, flags)) {
  if (flags.enable_logs || setup.config.sample || !setup.config.drains.empty()) {
    hub_ = std::make_unique<fanout::Hub>(fanout::HubOptions());
    pipeline_.UseHub(*hub_);
  }
}

Status LogService::Open(http::Server& server) {
  const Status state = OpenState();
  if (!state.ok()) return state;
  const Status listeners = OpenListeners();
  if (!listeners.ok()) return listeners;
  if (std::optional<web::LogplexOptions> options =
          ToLogplexOptions(setup_.config.logplex, flags_)) {
    const config::Logplex& logplex = setup_.config.logplex;
    pipeline_.AcceptDeliveries(
        {.name = "logplex", .prefix = logplex.prefix, .quota = logplex.quota});
    logplex_ = std::make_unique<web::LogplexInput>(
        executor_, pool_, *std::move(options),
        [this](ingest::Delivery delivery, ingest::OnTaken taken) {
          pipeline_.Deliver(std::move(delivery), std::move(taken));
        });
    logplex_->Serve(server);
  }
  if (flags_.enable_logs) {
    web::Access access(setup_.config.logs_access);
    if (!server.AsksCredentials()) web::WarnOfOpenLogs(access, flags_.listen);
    http::RouteOptions options;
    options.own_credentials = !access.open();
    logs_ = std::make_unique<web::Logs>(executor_, *hub_, std::move(access));
    const auto get = [this](std::shared_ptr<const http::Request> request) {
      return logs_->Get(std::move(request));
    };
    server.Route("GET", "/logs", get, std::move(options));
  }
  return {};
}

Status LogService::OpenState() {
  const std::string& folder = flags_.state_dir.empty() ? setup_.config.state_dir : flags_.state_dir;
  if (!HasLogSources(setup_.config, flags_)) return {};
  if (folder.empty()) {
    spdlog::warn(
        "log counters are kept in memory alone and start at 0 again with the next start: give "
        "--state.dir a folder");
    return {};
  }
  Result<state::Store> store = state::Store::Open(folder);
  if (!store.ok()) return store.error();
  return pipeline_.UseState(*std::move(store));
}

Status LogService::OpenListeners() {
  for (const config::SyslogSource& source : setup_.config.syslog) {
    const Status opened = pipeline_.Listen(source.listener, {.name = source.listener.name,
                                                             .server = source.server,
                                                             .prefix = source.prefix,
                                                             .quota = source.quota});
    if (!opened.ok()) return opened;
  }
  return {};
}

void LogService::Start() {
  for (const auto& [name, address] : pipeline_.addresses()) {
    spdlog::info("taking syslog source={} at={}", name, address);
  }
  if (hub_) drains_.Start(*hub_);  // before there is a line that they could miss
  pipeline_.Start();
}

void LogService::Stop() {
  pipeline_.Stop();
  drains_.Stop();
}

net::awaitable<void> LogService::Commit(TimePoint deadline) {
  auto committed = std::make_shared<net::Event>(executor_);
  pipeline_.Commit([executor = executor_, committed] {
    net::asio::post(executor, [committed] { committed->Set(); });
  });
  const TimePoint patience = SteadyClock::now() + kCommitPatience;
  co_await committed->Wait(std::min(deadline, patience));
}

net::awaitable<Families> LogService::CollectOf(std::string server, TimePoint deadline) {
  if (!pipeline_.Knows(server)) co_return Families();
  co_await Commit(deadline);
  co_return pipeline_.CollectOf(server);
}

net::awaitable<Families> LogService::Collect(TimePoint deadline,
                                             std::function<bool(const std::string& server)> shows) {
  co_await Commit(deadline);
  Families families = pipeline_.Collect(shows);
  if (logplex_) logplex_->AppendFamilies(families);
  if (hub_) hub_->AppendFamilies(families);
  drains_.AppendFamilies(families);
  co_return families;
}

}  // namespace pgbeacon::cli
