#include "exporter/cli/check_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "exporter/cli/check_table.h"

namespace pgbeacon::cli {
namespace {

using http::Request;
using http::Response;
using scrape::CheckStatus;

constexpr std::chrono::minutes kRefresh{1};      // older checks are judged anew when they are read
constexpr std::chrono::minutes kForget{5};       // and are not known any more
constexpr std::chrono::seconds kRefreshTime{5};  // for all that
constexpr std::chrono::seconds kRoleTime{1};     // for a first answer

const std::string* Parameter(const Request& request, std::string_view key) {
  const auto found =
      std::ranges::find(request.query, key, [](const auto& entry) { return entry.first; });
  return found == request.query.end() ? nullptr : &found->second;
}

Response Answer(int status, std::string text) {
  Response response;
  response.status = status;
  response.body = std::move(text) + "\n";
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

JudgedTarget ToJudged(const fleet::Watched& watched) {
  JudgedTarget judged;
  judged.target = watched.name();
  const std::optional<TimePoint>& at = watched.health().judged_at();
  if (!at) return judged;
  const Duration age = SteadyClock::now() - *at;
  judged.age_seconds = Seconds(age);
  judged.suites = watched.health().suites();
  if (age < kForget) return judged;
  for (scrape::Suite& suite : judged.suites) {
    suite.status = CheckStatus::kUnknown;
    for (scrape::CheckResult& check : suite.checks) {
      check.output = std::string("was ") + CheckStatusName(check.status) + ": " + check.output;
      check.status = CheckStatus::kUnknown;
    }
  }
  return judged;
}

bool WantsJson(const Request& request) {
  return request.Header("accept").find("application/json") != std::string_view::npos;
}

/// "replica, 0 bytes behind, as of 0.3 s ago"
std::string Describe(const scrape::RoleSeen& seen) {
  if (!seen.replica) return "unknown: " + (seen.why.empty() ? "no answer yet" : seen.why);
  std::string text = *seen.replica ? "replica" : "primary";
  if (seen.lag_bytes) text += fmt::format(", {:.0f} bytes behind", *seen.lag_bytes);
  return text + fmt::format(", as of {:.1f} s ago", Seconds(SteadyClock::now() - seen.at));
}

}  // namespace

void CheckPages::Serve(http::Server& server) {
  server.Route("GET", "/checks", [this](RequestPtr request) { return Checks(std::move(request)); });
  server.Route("GET", "/primary",
               [this](RequestPtr request) { return Role(std::move(request), false); });
  server.Route("GET", "/replica",
               [this](RequestPtr request) { return Role(std::move(request), true); });
}

std::shared_ptr<fleet::Watched> CheckPages::Find(const Request& request, Response& refusal) const {
  const std::string* name = Parameter(request, "target");
  if (name == nullptr || name->empty()) {
    std::shared_ptr<fleet::Watched> main = fleet_.main();
    if (!main) refusal = Answer(400, "which target? Name one: target=NAME; /sd lists them");
    return main;
  }
  std::shared_ptr<fleet::Watched> found = fleet_.Find(*name);
  if (!found) refusal = Answer(404, "there is no such target in the config; /sd lists them");
  return found;
}

net::awaitable<Response> CheckPages::Checks(RequestPtr request) {
  const TimePoint deadline = request->received + kRefreshTime;
  std::vector<JudgedTarget> judged;
  if (Parameter(*request, "target") != nullptr) {
    Response refusal;
    const std::shared_ptr<fleet::Watched> watched = Find(*request, refusal);
    if (!watched) co_return refusal;
    const std::optional<TimePoint>& at = watched->health().judged_at();
    const bool old = !at || SteadyClock::now() - *at > kRefresh;
    if (old) co_await watched->Refresh(deadline);
    judged.push_back(ToJudged(*watched));
  } else {
    co_await fleet_.Refresh(kRefresh, deadline);
    for (const auto& [name, watched] : fleet_.all()) judged.push_back(ToJudged(*watched));
  }
  Response response;
  response.compressible = true;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("Vary", "Accept");
  if (WantsJson(*request)) {
    response.content_type = "application/json";
    response.body = ChecksJson(judged) + "\n";
  } else {
    response.body = ChecksTable(judged, false);
  }
  co_return response;
}

net::awaitable<Response> CheckPages::Role(RequestPtr request, bool replica) {
  Response refusal;
  const std::shared_ptr<fleet::Watched> watched = Find(*request, refusal);
  if (!watched) co_return refusal;
  std::optional<double> most;
  if (const std::string* text = Parameter(*request, "max_lag_bytes")) {
    most = ParseDouble(*text);
    const bool valid = replica && most && *most >= 0;
    if (!valid) co_return Answer(400, "max_lag_bytes: expected bytes, with /replica");
  }
  const TimePoint deadline = SteadyClock::now() + kRoleTime;
  const scrape::RoleSeen seen = co_await watched->target().Role(deadline);
  const bool right = seen.replica && *seen.replica == replica;
  const bool near = !most || (seen.lag_bytes && *seen.lag_bytes <= *most);
  std::string text = Describe(seen);
  if (right && most && !seen.lag_bytes) text += ", how far behind is not known: nothing streams in";
  co_return Answer(right && near ? 200 : 503, std::move(text));
}

}  // namespace pgbeacon::cli
