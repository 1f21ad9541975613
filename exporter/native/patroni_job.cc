#include <algorithm>
#include <utility>

#include "collectors/native/patroni.h"
#include "exporter/http/client.h"
#include "exporter/native/jobs.h"

namespace pgbeacon::native {
namespace {

using collectors::Patroni;
using std::chrono::milliseconds;

constexpr int kFirstError = 400;
constexpr int kUnavailableStatus = 503;  // with a body, while PostgreSQL does not run

http::Url Root(http::Url url) {
  url.target = "/";
  return url;
}

class PatroniJob : public Job {
 public:
  PatroniJob(const JobContext& context, const config::PatroniApi& api)
      : Job("patroni"), client_(context.executor, context.pool, Root(api.url), api.tls) {}

  void Stop() override {
    stopped_ = true;
    client_.Close();
  }

  Families Late() const override { return collectors::PatroniUp(false); }

  net::awaitable<Fetched> Fetch(TimePoint deadline) override {
    auto decoder = std::make_shared<Patroni>();
    const Result<std::string> member = co_await Get("/patroni", deadline);
    Status status = member.ok() ? decoder->AddMember(*member) : Status(member.error());
    const bool up = status.ok();
    if (up) {
      const Result<std::string> cluster = co_await Get("/cluster", deadline);
      Keep(cluster.ok() ? decoder->AddCluster(*cluster) : Status(cluster.error()), status);
      const Result<std::string> config = co_await Get("/config", deadline);
      Keep(config.ok() ? decoder->AddConfig(*config) : Status(config.error()), status);
    }
    const Show show = [decoder, up](std::size_t& dropped) {
      Families families = collectors::PatroniUp(up);
      if (!up) return families;
      for (Family& family : decoder->Take(UnixNow(), dropped)) {
        families.push_back(std::move(family));
      }
      return families;
    };
    if (status.ok()) co_return Fetched(show);
    co_return Fetched(status.error(), show);
  }

 private:
  /// The first error counts.
  static void Keep(const Status& next, Status& status) {
    if (status.ok()) status = next;
  }

  net::awaitable<Result<std::string>> Get(std::string path, TimePoint deadline) {
    if (stopped_) co_return Error(ErrorCode::kUnavailable, "shutting down");
    http::ClientRequest request;
    request.target = path;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now());
    const milliseconds timeout = std::max(left, milliseconds(1));
    Result<http::ClientResponse> response = co_await client_.Send(std::move(request), timeout);
    if (!response.ok()) co_return response.error();
    if (response->body.size() == http::Client::kMostBody) {
      co_return Error(ErrorCode::kInvalid, "GET " + path + ": the answer is too large");
    }
    if (response->status == 401 || response->status == 403) {
      co_return Error(ErrorCode::kDenied, "GET " + path +
                                              ": refused, put user:password into the "
                                              "url or give tls.cert");
    }
    if (response->status >= kFirstError && response->status != kUnavailableStatus) {
      co_return Error(ErrorCode::kInvalid,
                      "GET " + path + ": status " + std::to_string(response->status));
    }
    co_return std::move(response->body);
  }

  http::Client client_;
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<Job> MakePatroniJob(const JobContext& context, const config::PatroniApi& api) {
  return std::make_unique<PatroniJob>(context, api);
}

}  // namespace pgbeacon::native
