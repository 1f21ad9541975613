#include "exporter/web/web_guard.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "exporter/net/file_stamp.h"
#include "exporter/web/credentials.h"

namespace pgbeacon::web {
namespace {

std::optional<http::Response> Refuse(int status, std::string text) {
  http::Response response;
  response.status = status;
  response.body = std::move(text);
  if (status == 401) {
    response.headers.emplace_back("WWW-Authenticate",
                                  "Basic realm=\"pgbeacon\", charset=\"UTF-8\"");
  } else {
    response.headers.emplace_back("Retry-After", "1");
  }
  return response;
}

}  // namespace

std::shared_ptr<WebGuard> WebGuard::Open(net::any_io_executor executor, net::BlockingPool& pool,
                                         WebGuardOptions options, YamlErrors& errors) {
  const std::shared_ptr<WebGuard> guard(
      new WebGuard(std::move(executor), pool, std::move(options)));
  guard->stamp_ = guard->Stamp();
  config::WebConfig config = config::LoadWebConfig(guard->options_.file, errors);
  if (!errors.empty()) return nullptr;
  guard->watched_ = config.Files();
  guard->stamp_ = guard->Stamp();
  guard->Take(std::move(config));
  return guard;
}

WebGuard::WebGuard(net::any_io_executor executor, net::BlockingPool& pool, WebGuardOptions options)
    : options_(std::move(options)), passwords_(std::move(executor), pool) {}

std::string WebGuard::Stamp() const {
  std::string stamp = net::FileStamp(options_.file);
  for (const std::string& file : watched_) stamp += "/" + net::FileStamp(file);
  return stamp;
}

void WebGuard::Take(config::WebConfig config) {
  for (const std::string& note : config.notes) spdlog::warn("{}", note);
  config_ = std::move(config);
  passwords_.Set(config_.users);
  if (config_.rate_limit) tokens_ = config_.rate_limit->burst;
  tokens_at_ = SteadyClock::now();
  figures_.read = true;
  figures_.read_unix = UnixNow();
}

void WebGuard::Refresh() {
  std::string stamp = Stamp();
  if (stamp == stamp_) return;
  YamlErrors errors;
  config::WebConfig config = config::LoadWebConfig(options_.file, errors);
  const bool same_files = watched_ == config.Files();
  watched_ = config.Files();
  // Of the same files the stamp from before the reading: what was written meanwhile is seen next
  // time.
  stamp_ = same_files ? std::move(stamp) : Stamp();
  if (errors.empty() && config_.tls && !config.tls) {
    errors.Add(options_.file +
               ": tls_server_config is gone; TLS is not switched off without a "
               "restart");
  }
  if (errors.empty() && !config_.users.empty() && config.users.empty()) {
    errors.Add(options_.file +
               ": basic_auth_users is empty; passwords are not switched off without "
               "a restart");
  }
  figures_.read = errors.empty();
  for (const std::string& mistake : errors.messages()) {
    spdlog::error("{}; going on with what was read before", mistake);
  }
  if (!figures_.read) return;
  spdlog::info("read {} again", options_.file);
  Take(std::move(config));
}

net::TlsContext::Ptr WebGuard::Tls() {
  Refresh();
  return config_.tls_context;
}

bool WebGuard::WithinRate() {
  if (!config_.rate_limit) return true;
  const config::WebRateLimit& limit = *config_.rate_limit;
  const TimePoint now = SteadyClock::now();
  const double earned = Seconds(now - tokens_at_) / Seconds(limit.interval);
  tokens_ = std::min<double>(limit.burst, tokens_ + earned);
  tokens_at_ = now;
  if (tokens_ < 1) return false;
  --tokens_;
  return true;
}

std::optional<http::Response> WebGuard::Count(Login login) {
  ++figures_.logins[static_cast<std::size_t>(login)];
  if (login == Login::kAccepted) return std::nullopt;
  if (login == Login::kBusy) return Refuse(503, "too many logins at once\n");
  return Refuse(401, "user and password needed\n");
}

net::awaitable<std::optional<http::Response>> WebGuard::Judge(
    std::shared_ptr<const http::Request> request, bool own_credentials) {
  Refresh();
  if (!WithinRate()) {
    ++figures_.over_rate;
    co_return Refuse(429, "too many requests\n");
  }
  const bool open = own_credentials || options_.open_paths.contains(request->path);
  if (open || config_.users.empty()) co_return std::nullopt;
  std::optional<std::string> login = BasicLogin(request->Header("authorization"));
  if (!login) co_return Count(Login::kMissing);
  const Passwords::Verdict verdict = co_await passwords_.Check(*std::move(login), request->peer);
  if (verdict == Passwords::Verdict::kRight) co_return Count(Login::kAccepted);
  if (verdict == Passwords::Verdict::kBusy) co_return Count(Login::kBusy);
  spdlog::debug("wrong user or password peer={}", request->peer);
  co_return Count(Login::kRejected);
}

GuardFigures WebGuard::figures() const {
  GuardFigures figures = figures_;
  figures.hashes = passwords_.hashed();
  if (config_.tls_context) figures.certificate_not_after = config_.tls_context->not_after();
  return figures;
}

}  // namespace pgbeacon::web
