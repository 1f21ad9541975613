#include "exporter/scrape/ask.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "collectors/engine/label_limit.h"
#include "exporter/pg/up_reason.h"

namespace pgbeacon::scrape {
namespace {

using collectors::FactsQuery;
using std::chrono::milliseconds;

/// Scrapes with little time wait for a run with much of it, as at the start or for a browser.
constexpr milliseconds kMostShare{5000};

constexpr FactsQuery kRest[] = {FactsQuery::kExtensions, FactsQuery::kSettings,
                                FactsQuery::kColumns};

/// The server's words for pgbeacon's log, unless they may repeat data of the database.
std::string Tell(const Error& error) {
  for (const char* state : {"22", "23", "P0"}) {
    if (error.sqlstate.starts_with(state)) {
      return "SQLSTATE " + error.sqlstate +
             "; pgbeacon explain shows the text, which may hold data";
    }
  }
  return error.message;
}

}  // namespace

std::string FileOf(const collectors::Collector& collector) {
  return collector.users ? " file=" + collector.where : "";
}

milliseconds ShareOf(const collectors::PlannedCollector& planned, milliseconds budget,
                     std::size_t parts) {
  if (!planned.collector->users || planned.timeout) return budget;
  const milliseconds share = budget / static_cast<milliseconds::rep>(parts);
  return std::clamp(share, milliseconds(10), kMostShare);
}

milliseconds Budget(TimePoint deadline) {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now());
  const milliseconds margin = std::clamp(left / 20, milliseconds(20), milliseconds(200));
  return std::max(left - margin, milliseconds(10));
}

pg::Statement ToStatement(const collectors::PlannedCollector& planned, milliseconds budget) {
  pg::Statement statement(planned.sql, std::min(planned.timeout.value_or(budget), budget));
  statement.search_path = planned.collector->search_path;
  if (planned.collector->users && statement.search_path.empty()) {
    statement.search_path = "pg_catalog";
  }
  return statement;
}

net::awaitable<Result<collectors::ServerFacts>> AskIdentity(pg::Connection& connection,
                                                            const collectors::Catalogue& catalogue,
                                                            TimePoint deadline) {
  collectors::ServerFacts facts;
  Status read;
  const auto take = [&facts, &read](std::size_t, pg::Answer answer) {
    read = answer.rows.ok() ? ReadFacts(FactsQuery::kIdentity, **answer.rows, facts)
                            : Status(answer.rows.error());
  };
  std::vector<pg::Statement> statements;
  statements.emplace_back(FactsSql(FactsQuery::kIdentity, catalogue), Budget(deadline));
  pg::AnswerSink sink = take;
  const Status asked = co_await connection.Run(std::move(statements), deadline, std::move(sink));
  if (!asked.ok()) co_return asked.error();
  if (!read.ok()) co_return read.error();
  co_return facts;
}

net::awaitable<Status> AskRest(pg::Connection& connection, const collectors::Catalogue& catalogue,
                               TimePoint deadline, collectors::ServerFacts& facts,
                               FailedFacts& failed) {
  failed.clear();
  for (const FactsQuery query : kRest) failed[query] = "connection";
  const auto take = [&facts, &failed](std::size_t query, pg::Answer answer) {
    const Status read = answer.rows.ok() ? ReadFacts(kRest[query], **answer.rows, facts)
                                         : Status(answer.rows.error());
    failed.erase(kRest[query]);
    if (read.ok()) return;
    failed[kRest[query]] = pg::FailureLabel(read.error());
    spdlog::warn("cannot learn about the server: {} (SQLSTATE {})", read.error().message,
                 read.error().sqlstate);
  };
  std::vector<pg::Statement> statements;
  for (const FactsQuery query : kRest) {
    statements.emplace_back(FactsSql(query, catalogue), Budget(deadline));
  }
  pg::AnswerSink sink = take;
  const Status asked = co_await connection.Run(std::move(statements), deadline, std::move(sink));
  co_return asked;
}

net::awaitable<Status> AskDatabase(pg::Connection& connection,
                                   const collectors::Catalogue& catalogue, TimePoint deadline,
                                   collectors::ServerFacts& facts) {
  const std::map<std::string, collectors::Extension> before = std::move(facts.extensions);
  for (const FactsQuery query : {FactsQuery::kExtensions, FactsQuery::kColumns}) {
    // Only the views of extensions can have other columns in another database.
    if (query == FactsQuery::kColumns && facts.extensions == before) break;
    Status read;
    const auto take = [&facts, &read, query](std::size_t, pg::Answer answer) {
      read =
          answer.rows.ok() ? ReadFacts(query, **answer.rows, facts) : Status(answer.rows.error());
    };
    std::vector<pg::Statement> statements;
    statements.emplace_back(FactsSql(query, catalogue), Budget(deadline));
    pg::AnswerSink sink = take;
    const Status asked = co_await connection.Run(std::move(statements), deadline, std::move(sink));
    if (!asked.ok()) co_return asked;
    if (!read.ok()) co_return read;
  }
  co_return Status();
}

DecodedAnswer DecodeGoverned(const collectors::PlannedCollector& planned,
                             const collectors::Rows& rows, const std::string& server,
                             Governors& governors) {
  const collectors::ShortLabels whole(planned, rows);
  const collectors::Rows& shown = whole.shortened() > 0 ? whole : rows;
  if (planned.collector->top.empty()) {
    return {Decode(planned, shown, server), 0, whole.shortened()};
  }
  const collectors::Governed governed = governors[planned.collector->name].Apply(planned, shown);
  DecodedAnswer decoded = {Decode(planned, *governed.rows, server), governed.in_other,
                           whole.shortened()};
  decoded.dropped += governed.left_out;
  return decoded;
}

Outcome ToOutcome(const collectors::PlannedCollector& planned, pg::Answer answer,
                  const std::string& server, Governors& governors, std::string& message) {
  Outcome outcome;
  outcome.done = true;
  outcome.seconds = Seconds(answer.took);
  if (!answer.rows.ok()) {
    outcome.failure = pg::FailureLabel(answer.rows.error());
    message = Tell(answer.rows.error());
    if (answer.rows.error().code == ErrorCode::kTimeout) {
      message += " after " + FormatDouble(std::round(outcome.seconds * 10) / 10) + " s";
    }
    return outcome;
  }
  DecodedAnswer decoded = DecodeGoverned(planned, **answer.rows, server, governors);
  if (!decoded.missing.empty()) {
    outcome.failure = "syntax";
    message = "the answer has no column " + decoded.missing;
  } else if (decoded.series == 0 && decoded.unreadable > 0) {
    outcome.failure = "syntax";
    message = "the answer has no number where the collector expects one";
  }
  outcome.families = std::move(decoded.families);
  outcome.left_out.dropped = decoded.dropped + decoded.unreadable;
  outcome.left_out.in_other = decoded.in_other;
  outcome.left_out.shortened = decoded.shortened;
  return outcome;
}

}  // namespace pgbeacon::scrape
