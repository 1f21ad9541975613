// The role of a server, asked once a second for as long as somebody wants to know. Over the
// connection of the scrapes; while a scrape has that for long, over the one of visits.
#include "exporter/scrape/role.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "base/text.h"
#include "exporter/scrape/place.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr std::chrono::seconds kInterest{30};  // after the last question
constexpr std::chrono::seconds kFresh{2};      // an answer that nobody waits for a better one of
constexpr std::chrono::seconds kOld{5};        // an answer that says nothing any more
constexpr std::chrono::seconds kWait{1};       // for a run, and for a connect
constexpr std::chrono::seconds kPatience{4};   // with one answer
constexpr std::chrono::milliseconds kSession{9300};  // what a scrape every 10 s asks with

// An upstream that has told of nothing yet has nothing more than it has sent: it would send it.
constexpr const char* kSql = R"(/* pgbeacon:role */
SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('is_superuser'),
       CASE WHEN pg_catalog.pg_is_in_recovery() THEN (
         SELECT greatest(pg_catalog.pg_wal_lsn_diff(
                           greatest(latest_end_lsn, pg_catalog.pg_last_wal_receive_lsn()),
                           pg_catalog.pg_last_wal_replay_lsn()), 0)
           FROM pg_catalog.pg_stat_get_wal_receiver()
          WHERE status = 'streaming') END)";

struct RoleAnswer {
  RoleSeen seen;
  bool superuser = false;
};

void Read(const collectors::Rows& rows, RoleAnswer& answer) {
  if (rows.rows() != 1 || rows.columns() != 3) return;
  answer.seen.replica = rows.at(0, 0).value_or("") == "t";
  answer.superuser = rows.at(0, 1).value_or("") == "on";
  if (const auto lag = rows.at(0, 2)) answer.seen.lag_bytes = ParseDouble(*lag);
}

}  // namespace

net::awaitable<RoleSeen> Target::State::Role(std::shared_ptr<State> self, TimePoint deadline) {
  self->role_asked_at_ = SteadyClock::now();
  if (!self->role_news_ && !self->stopped_) self->StartRoleWatch();
  const std::shared_ptr<net::Event> news = self->role_news_;
  const bool fresh = self->role_.replica && SteadyClock::now() - self->role_.at <= kFresh;
  if (!fresh && news) co_await news->Wait(deadline);
  RoleSeen seen = self->role_;
  if (seen.replica && SteadyClock::now() - seen.at > kOld) {
    seen.replica.reset();
    seen.why = "the server has not answered for more than 5 s";
  }
  co_return seen;
}

void Target::State::StartRoleWatch() {
  role_news_ = std::make_shared<net::Event>(executor_);
  net::asio::co_spawn(executor_, WatchRole(shared_from_this()),
                      [self = shared_from_this()](std::exception_ptr failure) {
                        try {
                          if (failure) std::rethrow_exception(failure);
                        } catch (const std::exception& error) {
                          spdlog::error("target={}: internal error in asking for the role: {}",
                                        self->options_.name, error.what());
                        }
                        if (self->role_news_) self->role_news_->Set();
                        self->role_news_.reset();
                      });
}

net::awaitable<void> Target::State::WatchRole(std::shared_ptr<State> self) {
  while (!self->stopped_ && SteadyClock::now() - self->role_asked_at_ < kInterest) {
    const TimePoint due = SteadyClock::now() + kInterval;
    co_await self->LookAtRole();
    self->role_news_->Set();
    self->role_news_ = std::make_shared<net::Event>(self->executor_);
    co_await self->ending_.Wait(due);
  }
}

net::awaitable<void> Target::State::LookAtRole() {
  const TimePoint start = SteadyClock::now();
  if (const std::shared_ptr<Run> run = run_) co_await run->ended.Wait(start + kWait);
  if (const std::shared_ptr<net::Event> asking = asking_) co_await asking->Wait(start + kWait);
  if (stopped_) co_return;
  if (!run_ && !asking_) {
    const Place place(asking_, executor_);
    const bool usable = co_await AskRole(main_);
    if (!usable) main_.Drop(/*running=*/true);
  } else if (SteadyClock::now() - role_.at > kFresh && !visiting_) {
    const Place place(visiting_, executor_);
    const bool usable = co_await AskRole(visits_);
    visits_.Drop(/*running=*/!usable);
  }
}

/// Whether the connection may be kept. A warm one that turns out to be closed says nothing yet.
net::awaitable<bool> Target::State::AskRole(Session& session) {
  const TimePoint start = SteadyClock::now();
  const TimePoint deadline = start + kPatience;
  for (;;) {
    const bool warm = session.connected();
    const TimePoint connect_by = std::min(deadline, SteadyClock::now() + kWait);
    Result<pg::Connection*> connection = co_await session.Connect(kSession, connect_by);
    if (!connection.ok()) {
      RoleUnknown(connection.error());
      co_return true;
    }
    RoleAnswer answer;
    std::optional<Error> refusal;
    const auto take = [&answer, &refusal](std::size_t, pg::Answer got) {
      if (got.rows.ok()) {
        Read(**got.rows, answer);
      } else {
        refusal = got.rows.error();
      }
    };
    std::vector<pg::Statement> statements;
    statements.emplace_back(kSql, (*connection)->session_timeout());
    pg::AnswerSink sink = take;
    const Status asked =
        co_await (*connection)->Run(std::move(statements), deadline, std::move(sink));
    if (asked.ok() && !refusal) {
      if (answer.superuser && options_.refuse_superuser) {
        RoleUnknown(Error(ErrorCode::kDenied, "the login is a superuser"));
        co_return false;
      }
      NoteRole(std::move(answer.seen));
      co_return true;
    }
    if (asked.ok()) {
      RoleUnknown(*refusal);
      co_return true;
    }
    session.Drop(/*running=*/true);
    const TimePoint now = SteadyClock::now();
    // Later it is a run that wants the connection.
    const bool closed = asked.error().code == ErrorCode::kUnavailable && now - start < kWait;
    if (!warm || !closed || stopped_) {
      RoleUnknown(asked.error());
      co_return false;
    }
  }
}

void Target::State::NoteRole(RoleSeen seen) {
  seen.at = SteadyClock::now();
  role_ = std::move(seen);
}

/// What a run has learnt. It does not know how far behind a replica is: that is asked for.
void Target::State::NoteRole(bool replica) {
  if (replica && role_.replica == true) return;
  RoleSeen seen;
  if (!replica) seen.replica = false;
  NoteRole(std::move(seen));
}

/// A server that is silent may still answer: what it said holds until it is old.
void Target::State::RoleUnknown(const Error& error) {
  role_.why = error.message;
  const bool silent = error.code == ErrorCode::kTimeout || error.code == ErrorCode::kLockTimeout;
  if (!silent) role_.replica.reset();
}

}  // namespace pgbeacon::scrape
