#include "exporter/cli/pages.h"

#include <malloc.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "collectors/native/names.h"
#include "exporter/fleet/sd.h"
#include "exporter/http/scrape_timeout.h"
#include "exporter/metrics/writer.h"

namespace pgbeacon::cli {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t kLargePage = 1 << 20;

std::optional<std::string> Parameter(const Request& request, std::string_view key) {
  for (const auto& [name, value] : request.query) {
    if (name == key) return value;
  }
  return std::nullopt;
}

Response Refuse(int status, std::string text) {
  Response response;
  response.status = status;
  response.body = std::move(text) + "\n";
  return response;
}

/// The collectors that collect[] names; an Error where there is none of a name.
Result<scrape::Only> ReadOnly(const Request& request, const collectors::Catalogue& catalogue) {
  std::set<std::string, std::less<>> names;
  std::vector<std::string> known;
  for (const auto& [key, name] : request.query) {
    if (key != "collect[]") continue;
    if (!catalogue.Find(name) && !collectors::IsNativeCollector(name)) {
      for (const auto& collector : catalogue.collectors()) known.push_back(collector->name);
      const std::string nearest = Nearest(name, known);
      return Error(ErrorCode::kInvalid,
                   "collect[]: there is no such collector" +
                       (nearest.empty() ? "; pgbeacon explain lists them"
                                        : "; did you mean '" + nearest + "'?"));
    }
    names.insert(name);
  }
  return scrape::Only(std::move(names));
}

}  // namespace

void Pages::Serve(http::Server& server) {
  Route(server, options_.telemetry_path, &Pages::Metrics);
  Route(server, "/probe", &Pages::Probe);
  Route(server, "/sd", &Pages::Sd);
  Route(server, "/-/healthy", &Pages::Healthy);
  Route(server, "/-/ready", &Pages::Ready);
  if (options_.telemetry_path != "/") Route(server, "/", &Pages::Root);
}

void Pages::Route(http::Server& server, const std::string& path, Member member) {
  server.Route("GET", path,
               [this, member](RequestPtr request) { return (this->*member)(std::move(request)); });
}

fleet::Asked Pages::ToAsked(const Request& request, scrape::Only only) const {
  fleet::Asked asked;
  asked.asked = request.received;
  asked.deadline = request.received + http::ScrapeBudget(request.Header(http::kScrapeTimeoutHeader),
                                                         options_.collection_timeout);
  asked.only = std::move(only);
  asked.labels = Parameter(request, "labels").value_or("on") != "off";
  return asked;
}

net::awaitable<Response> Pages::Metrics(RequestPtr request) {
  const std::shared_ptr<fleet::Watched> main = fleet_.main();
  scrape::Only only;
  if (main) {
    Result<scrape::Only> read = ReadOnly(*request, main->catalogue());
    if (!read.ok()) co_return Refuse(400, read.error().message);
    only = *std::move(read);
  }
  const bool all = only.all();
  const fleet::Asked asked = ToAsked(*request, std::move(only));
  Families page;
  if (main) {
    page = co_await main->Page(asked);
    metrics::AppendPeerSelf(peer_, page);
  }
  if (all) {
    auto shows = [this, main](const std::string& server) {
      return (main && main->name() == server) || !fleet_.Find(server);
    };
    Families logs = co_await logs_.Collect(asked.deadline, shows);
    std::ranges::move(logs, std::back_inserter(page));
    self_.targets = fleet_.all().size();
    metrics::AppendSelf(self_, page);
    if (append_) append_(page);
  }
  co_return Write(*request, std::move(page));
}

net::awaitable<Response> Pages::Probe(RequestPtr request) {
  const std::optional<std::string> name = Parameter(*request, "target");
  if (!name || name->empty()) {
    co_return Refuse(400, "target: name a target of the config, as in /probe?target=NAME");
  }
  const std::shared_ptr<fleet::Watched> target = fleet_.Find(*name);
  if (!target) {
    co_return Refuse(
        404,
        "there is no such target in the config; /sd lists them (servers are watched by "
        "configured name only, not by address or connection string)");
  }
  Result<scrape::Only> only = ReadOnly(*request, target->catalogue());
  if (!only.ok()) co_return Refuse(400, only.error().message);
  const bool all = only->all();
  const fleet::Asked asked = ToAsked(*request, *std::move(only));
  Families page = co_await target->Page(asked);
  if (all) {
    Families logs = co_await logs_.CollectOf(target->name(), asked.deadline);
    std::ranges::move(logs, std::back_inserter(page));
  }
  co_return Write(*request, std::move(page));
}

Response Pages::Write(const Request& request, Families page) {
  self_.dropped_series += Normalize(page);
  const metrics::Format format = metrics::NegotiateFormat(request.Header("accept"));
  Response response;
  response.content_type = metrics::ContentType(format);
  response.compressible = true;
  response.body.reserve(page_bytes_);
  self_.dropped_series += metrics::WritePage(format, page, response.body);
  page_bytes_ = response.body.size() + response.body.size() / 16;
  page = {};
  // What a large page took would otherwise stay with us until the next one.
  if (response.body.size() >= kLargePage) malloc_trim(0);
  return response;
}

net::awaitable<Response> Pages::Sd(RequestPtr request) {
  fleet::Address address;
  address.address = request->Header("host");
  address.metrics_path = options_.telemetry_path;
  if (request->tls) address.scheme = "https";  // else a proxy's, or the job says
  Response response;
  response.content_type = "application/json";
  response.compressible = true;
  response.body = fleet::ServiceDiscovery(fleet_, address);
  co_return response;
}

net::awaitable<Response> Pages::Healthy(RequestPtr) {
  Response response;
  response.body = "pgbeacon is healthy\n";
  co_return response;
}

net::awaitable<Response> Pages::Ready(RequestPtr) {
  Response response;
  const bool asked = fleet_.attempted();
  const bool open = logs_.ready();
  if (!asked || !open) response.status = 503;
  response.body = !asked  ? "not ready: not every server has been asked yet\n"
                  : !open ? "not ready: log sources are being opened\n"
                          : "pgbeacon is ready\n";
  co_return response;
}

net::awaitable<Response> Pages::Root(RequestPtr) {
  Response response;
  response.status = 302;
  response.headers.emplace_back("Location", options_.telemetry_path);
  response.body = "see " + options_.telemetry_path + "\n";
  co_return response;
}

}  // namespace pgbeacon::cli
