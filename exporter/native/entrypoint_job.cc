// The entrypoint, tried as a client would: a connection of its own for each look, closed after it.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/native/entrypoint.h"
#include "exporter/native/jobs.h"
#include "exporter/pg/login.h"
#include "exporter/scrape/session.h"

namespace pgbeacon::native {
namespace {

using collectors::EntrypointLook;

constexpr std::chrono::seconds kStatement{3};

// The identifier as the base query has it (collectors/engine/facts.cc): roles may lack the right.
constexpr const char* kSql = R"(/* pgbeacon:entrypoint */
SELECT pg_catalog.pg_is_in_recovery(),
       CASE WHEN pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
            THEN pg_catalog.substring(pg_catalog.query_to_xml(
                   'SELECT system_identifier FROM pg_catalog.pg_control_system()',
                   false, true, '')::pg_catalog.text, '>(-?[0-9]+)<')
       END)";

/// Poolers refuse settings at the start: statements carry them, so that one connect is one.
std::shared_ptr<pg::Login> MakeLogin(const config::Entrypoint& entrypoint) {
  Result<pg::Login> login = pg::Login::Make(entrypoint.conninfo, "", entrypoint.password_file);
  if (!login.ok()) return nullptr;
  login->options_refused = true;
  return std::make_shared<pg::Login>(*std::move(login));
}

class EntrypointJob : public Job {
 public:
  EntrypointJob(const JobContext& context, const config::Entrypoint& entrypoint)
      : Job("entrypoint"),
        server_(context.server),
        session_(context.executor, net::Lanes{&context.pool, &context.pool},
                 MakeLogin(entrypoint)) {}

  void Stop() override { session_.Stop(); }
  Families Late() const override { return collectors::EntrypointFamilies({}); }

  net::awaitable<Fetched> Fetch(TimePoint deadline) override {
    EntrypointLook look;
    const Status asked = co_await Ask(look, deadline);
    session_.Drop(/*running=*/!asked.ok());
    const Show show = [families = EntrypointFamilies(look)](std::size_t&) { return families; };
    if (asked.ok()) co_return Fetched(show);
    co_return Fetched(asked.error(), show);
  }

 private:
  net::awaitable<Status> Ask(EntrypointLook& look, TimePoint deadline) {
    const TimePoint start = SteadyClock::now();
    Result<pg::Connection*> connection = co_await session_.Connect(kStatement, deadline);
    if (!connection.ok()) co_return connection.error();
    const double seconds = Seconds(SteadyClock::now() - start);
    Status read;
    const auto take = [this, &look, &read](std::size_t, pg::Answer answer) {
      if (answer.rows.ok()) {
        Read(**answer.rows, look);
      } else {
        read = answer.rows.error();
      }
    };
    std::vector<pg::Statement> statements;
    statements.emplace_back(kSql, kStatement);
    pg::AnswerSink sink = take;
    const Status answered =
        co_await (*connection)->Run(std::move(statements), deadline, std::move(sink));
    if (!answered.ok()) co_return answered;
    if (read.ok()) look.connect_seconds = seconds;
    co_return read;
  }

  void Read(const collectors::Rows& rows, EntrypointLook& look) const {
    if (rows.rows() != 1 || rows.columns() != 2) return;
    look.is_primary = rows.at(0, 0).value_or("") == "f";
    const std::string& own = server_.system_identifier();
    const auto other = rows.at(0, 1);
    if (other && !own.empty()) look.same_system = *other == own;
  }

  const Server& server_;
  scrape::Session session_;
};

}  // namespace

std::unique_ptr<Job> MakeEntrypointJob(const JobContext& context,
                                       const config::Entrypoint& entrypoint) {
  return std::make_unique<EntrypointJob>(context, entrypoint);
}

}  // namespace pgbeacon::native
