// Asking a server for its facts and for collectors over one connection.
//
// Example:
//   Result<collectors::ServerFacts> facts = co_await AskIdentity(*connection, catalogue, deadline);
//   const Status rest = co_await AskRest(*connection, catalogue, deadline, *facts, failed);
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "collectors/engine/facts.h"
#include "collectors/engine/governor.h"
#include "collectors/engine/plan.h"
#include "exporter/net/asio.h"
#include "exporter/pg/connection.h"
#include "exporter/scrape/outcome.h"

namespace pgbeacon::scrape {

/// What of `budget` a statement gets that shares it with others: a user's without a time limit of
/// its own one of so many parts, so that those behind it get theirs, and at most 5 s; all others
/// the whole.
std::chrono::milliseconds ShareOf(const collectors::PlannedCollector& planned,
                                  std::chrono::milliseconds budget, std::size_t parts);

/// " file=FILE:LINE" for a log line about a user's collector; empty for ours.
std::string FileOf(const collectors::Collector& collector);

/// The collector's statement, with its own time limit where that is shorter than `budget`.
pg::Statement ToStatement(const collectors::PlannedCollector& planned,
                          std::chrono::milliseconds budget);

/// How long a statement may run so that its end is still seen by `deadline`.
std::chrono::milliseconds Budget(TimePoint deadline);

/// The base query. After an Error the connection is of no further use.
net::awaitable<Result<collectors::ServerFacts>> AskIdentity(pg::Connection& connection,
                                                            const collectors::Catalogue& catalogue,
                                                            TimePoint deadline);

/// Queries for facts that gave nothing, each with the reason label of its failure.
using FailedFacts = std::map<collectors::FactsQuery, std::string>;

/// The other facts, into `facts`; those of `failed` stay as they were. An Error means that the
/// connection broke.
net::awaitable<Status> AskRest(pg::Connection& connection, const collectors::Catalogue& catalogue,
                               TimePoint deadline, collectors::ServerFacts& facts,
                               FailedFacts& failed);

/// What differs between the databases of one server, into `facts` that stand for another one. An
/// Error means that this could not be learnt.
net::awaitable<Status> AskDatabase(pg::Connection& connection,
                                   const collectors::Catalogue& catalogue, TimePoint deadline,
                                   collectors::ServerFacts& facts);

/// What collectors show and what they leave to "other", by collector; kept between runs.
using Governors = std::map<std::string, collectors::Governor, std::less<>>;

/// The rows of an answer, governed where the collector has rules, as families.
struct DecodedAnswer : collectors::Decoded {
  std::size_t in_other = 0;   ///< series that "other" stands for
  std::size_t shortened = 0;  ///< label values over the limit
};
DecodedAnswer DecodeGoverned(const collectors::PlannedCollector& planned,
                             const collectors::Rows& rows, const std::string& server,
                             Governors& governors);

/// One collector's answer as an Outcome. `message` gets the error's text.
Outcome ToOutcome(const collectors::PlannedCollector& planned, pg::Answer answer,
                  const std::string& server, Governors& governors, std::string& message);

}  // namespace pgbeacon::scrape
