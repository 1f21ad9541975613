#include "exporter/cli/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/families.h"
#include "exporter/cli/commands.h"
#include "exporter/cli/leaving.h"
#include "exporter/cli/one_shot.h"
#include "exporter/cli/table.h"
#include "exporter/http/client.h"
#include "exporter/metrics/compare.h"
#include "exporter/metrics/writer.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::cli {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kMostPage = std::size_t{64} << 20;

void Say(const std::string& text) { std::fputs(("pgbeacon: " + text + "\n").c_str(), stderr); }

net::awaitable<Result<std::string>> Fetch(net::BlockingPool& pool, http::Url url) {
  const net::any_io_executor executor = co_await net::asio::this_coro::executor;
  http::Client client(executor, pool, url, net::ClientTls());
  http::ClientRequest request;
  request.headers.emplace_back("Accept", "text/plain;version=0.0.4");
  Result<http::ClientResponse> response = co_await client.Open(std::move(request), kPatience);
  if (!response.ok()) co_return response.error();
  if (response->status != 200) {
    co_return Error(ErrorCode::kUnavailable, fmt::format("status {}", response->status));
  }
  std::string body;
  for (;;) {
    Result<std::string> piece = co_await client.Read(kPatience);
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) break;
    body += *piece;
    if (body.size() > kMostPage) co_return Error(ErrorCode::kInvalid, "more than 64 MiB");
  }
  client.Close();
  co_return body;
}

bool Loses(const metrics::Comparison& comparison) {
  return std::ranges::any_of(comparison.differences, [](const auto& one) {
    return one.kind != "value" && one.expected.empty();
  });
}

void PrintRows(const TableRow& head, const std::vector<TableRow>& rows) {
  if (!rows.empty()) std::fputs((FormatTable(head, rows) + "\n").c_str(), stdout);
}

void PrintTable(const metrics::Comparison& comparison) {
  std::vector<TableRow> rows;
  std::vector<TableRow> expected;
  for (const metrics::Difference& one : comparison.differences) {
    if (one.expected.empty()) {
      rows.push_back({one.kind, one.name, std::to_string(one.series), one.theirs, one.ours});
    } else {
      expected.push_back({one.name, one.theirs, one.ours, one.expected});
    }
  }
  PrintRows({"WHAT", "METRIC", "SERIES", "THERE", "HERE"}, rows);
  PrintRows({"EXPECTED", "THERE", "HERE", "WHY"}, expected);
  std::fputs(
      fmt::format("{} metrics and {} series there; {} series have the same value here; {} metrics "
                  "are new here\n{}\n",
                  comparison.names, comparison.series, comparison.same, comparison.gained.size(),
                  Loses(comparison)
                      ? "a swap would lose what is listed above; docs/migrating.md says why and "
                        "which flags bring it back"
                      : "a swap loses nothing")
          .c_str(),
      stdout);
}

void PrintJson(const metrics::Comparison& comparison) {
  boost::json::array differences;
  boost::json::array expected;
  for (const metrics::Difference& one : comparison.differences) {
    boost::json::array& list = one.expected.empty() ? differences : expected;
    list.push_back({{"what", one.kind},
                    {"metric", one.name},
                    {"series", one.series},
                    {"there", one.theirs},
                    {"here", one.ours}});
    if (!one.expected.empty()) list.back().as_object()["why"] = one.expected;
  }
  boost::json::object out{{"metrics", comparison.names},
                          {"series", comparison.series},
                          {"same", comparison.same},
                          {"loses", Loses(comparison)}};
  out["differences"] = std::move(differences);
  out["expected"] = std::move(expected);
  out["gained"] = boost::json::array(comparison.gained.begin(), comparison.gained.end());
  std::puts(boost::json::serialize(out).c_str());
}

/// Whether pg_up says so; `without`: where there is no pg_up.
bool IsUp(const metrics::Exposition& page, bool without) {
  const auto up = page.series.find("pg_up");
  if (up == page.series.end() || up->second.empty()) return without;
  return up->second.begin()->second == 1;
}

net::awaitable<int> CompareWith(net::BlockingPool& pool, http::Url url, Output output,
                                scrape::Target& target, TimePoint deadline) {
  Families page = co_await target.Scrape(deadline);  // what is asked by interval is there then
  const Result<std::string> before = co_await Fetch(pool, url);
  if (!before.ok()) {
    Say("the exporter to compare with: " + before.error().message);
    co_return 1;
  }
  page = co_await target.Scrape(deadline);
  const Result<std::string> after = co_await Fetch(pool, url);
  if (!after.ok()) {
    Say("the exporter to compare with: " + after.error().message);
    co_return 1;
  }
  Normalize(page);
  std::string text;
  metrics::WritePage(metrics::Format::kText, page, text);
  const metrics::Exposition ours = metrics::ReadExposition(text);
  if (!IsUp(ours, false)) {
    Say("our own server does not answer: pgbeacon explain tells more");
    co_return 1;
  }
  const metrics::Exposition first = metrics::ReadExposition(*before);
  const metrics::Exposition second = metrics::ReadExposition(*after);
  if (second.series.empty() || !IsUp(second, true)) {
    Say(std::string("the exporter to compare with: ") +
        (second.series.empty() ? "no metrics; is its path /metrics?"
                               : "its server does not answer, pg_up is 0"));
    co_return 1;
  }
  const metrics::Around around{first, second};
  const metrics::Comparison comparison = metrics::Compare(around, ours);
  if (output == Output::kJson) {
    PrintJson(comparison);
  } else {
    PrintTable(comparison);
  }
  co_return Loses(comparison) ? 1 : 0;
}

}  // namespace

int RunCompare(Setup& setup, const std::string& text, Output output) {
  const Result<http::Url> url = http::ParseUrl(text);
  if (!url.ok()) {
    Say("URL: " + url.error().message);
    return kUsageStatus;
  }
  Leaving leaving;
  net::BlockingPool pool;
  const auto compare = [&](scrape::Target& target, TimePoint deadline) {
    return CompareWith(pool, *url, output, target, deadline);
  };
  const int status = RunOneShot(setup, kUsageStatus, compare);
  leaving.Within(Leaving::kPatience, status);
  return status;
}

}  // namespace pgbeacon::cli
