#include "exporter/scrape/hidden.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "collectors/engine/sql.h"
#include "exporter/pg/login.h"
#include "exporter/scrape/ask.h"
#include "exporter/scrape/place.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

using collectors::FactsQuery;
using collectors::ServerFacts;

constexpr std::chrono::hours kOld{1};  // roles and databases get other settings without a word
constexpr std::chrono::minutes kPause{1};
constexpr std::chrono::milliseconds kPatience{2000};

bool IsHidden(const std::string& name) {
  return std::ranges::find(pg::kSessionsOwn, name) != std::end(pg::kSessionsOwn);
}

}  // namespace

bool HiddenSettings::ShownBy(const collectors::Plan& plan) {
  for (const collectors::PlannedCollector& planned : plan.on) {
    for (const collectors::Query& query : planned.collector->queries) {
      const std::set<std::string> names = collectors::SettingsIn(query.sql);
      if (std::ranges::any_of(names, IsHidden)) return true;
    }
  }
  return false;
}

bool HiddenSettings::Known(const ServerFacts& facts) const {
  return system_identifier_ == facts.system_identifier &&
         start_time_seconds_ == facts.start_time_seconds &&
         conf_load_time_seconds_ == facts.conf_load_time_seconds &&
         in_recovery_ == facts.in_recovery;
}

bool HiddenSettings::Due(const ServerFacts& facts, TimePoint now) const {
  return now >= not_before_ && (!Known(facts) || now - learnt_at_ > kOld);
}

void HiddenSettings::Learn(const ServerFacts& facts, std::map<std::string, std::string> settings,
                           TimePoint now) {
  settings_ = std::move(settings);
  system_identifier_ = facts.system_identifier;
  start_time_seconds_ = facts.start_time_seconds;
  conf_load_time_seconds_ = facts.conf_load_time_seconds;
  in_recovery_ = facts.in_recovery;
  learnt_at_ = now;
  failed_ = false;
}

bool HiddenSettings::Fail(TimePoint now) {
  not_before_ = now + kPause;
  return !std::exchange(failed_, true);
}

void HiddenSettings::PutInto(ServerFacts& facts) const {
  const bool known = Known(facts);
  for (const std::string_view name : pg::kSessionsOwn) {
    const std::string key(name);
    const auto found = settings_.find(key);
    if (known && found != settings_.end()) {
      facts.settings[key] = found->second;
    } else {
      facts.settings.erase(key);
    }
  }
}

net::awaitable<void> Target::State::LearnHidden(TimePoint deadline) {
  const TimePoint now = SteadyClock::now();
  if (visiting_ || !hidden_.Due(*facts_, now) || !HiddenSettings::ShownBy(*plan_)) co_return;
  const Place place(visiting_, executor_);
  co_await LearnHiddenNow(std::min(now + (deadline - now) / 4, now + kPatience));
}

net::awaitable<void> Target::State::LearnHiddenNow(TimePoint deadline) {
  Result<ServerFacts> asked = co_await AskHidden(deadline);
  const TimePoint now = SteadyClock::now();
  if (!asked.ok()) {
    if (hidden_.Fail(now) && !stopped_) {
      spdlog::warn("target={}: what the server has for settings of our sessions is not known: {}",
                   options_.name, asked.error().message);
    }
    co_return;
  }
  hidden_.Learn(*facts_, std::move(asked->settings), now);
  hidden_.PutInto(*facts_);
  plan_ = Share(PlanOf(*facts_));
}

/// Only the settings of the answer stand. They must not come with settings of ours, so the session
/// has no statement_timeout but the server's.
net::awaitable<Result<ServerFacts>> Target::State::AskHidden(TimePoint deadline) {
  ServerFacts facts;
  Status read = Error(ErrorCode::kTimeout, "no answer");
  const auto take = [&facts, &read](std::size_t, pg::Answer answer) {
    read = answer.rows.ok() ? ReadFacts(FactsQuery::kSettings, **answer.rows, facts)
                            : Status(answer.rows.error());
  };
  const auto login = std::make_shared<pg::Login>(login_->WithoutOptions());
  Result<pg::Connection*> connection = co_await visits_.ConnectTo(login, kPatience, deadline);
  if (!connection.ok()) co_return connection.error();
  std::vector<pg::Statement> statements;
  statements.emplace_back(FactsSql(FactsQuery::kSettings, catalogue_), kPatience);
  pg::AnswerSink sink = take;
  const Status asked =
      co_await (*connection)->Run(std::move(statements), deadline, std::move(sink));
  visits_.Drop(/*running=*/!asked.ok());
  if (!asked.ok()) co_return asked.error();
  if (!read.ok()) co_return read.error();
  co_return facts;
}

}  // namespace pgbeacon::scrape
