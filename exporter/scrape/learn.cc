// What a run must know before it asks: the facts about the server and the plan that they make.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "exporter/scrape/ask.h"
#include "exporter/scrape/excess.h"
#include "exporter/scrape/namesakes.h"
#include "exporter/scrape/shared_plans.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

using collectors::FactsQuery;
using collectors::ServerFacts;

constexpr std::chrono::minutes kAskAgain{5};  // extensions and settings change without a word

/// Whether plans made for `a` hold for `b`.
bool SamePlan(const ServerFacts& a, const ServerFacts& b) {
  return a.version_num == b.version_num && a.in_recovery == b.in_recovery &&
         a.system_identifier == b.system_identifier && a.database == b.database &&
         a.superuser == b.superuser && a.create_role == b.create_role &&
         a.privileges == b.privileges && a.start_time_seconds == b.start_time_seconds &&
         a.conf_load_time_seconds == b.conf_load_time_seconds;
}

/// Fails what is off for want of something that is only not known.
void FailUnknown(const collectors::Plan& assumed, const std::string& label,
                 collectors::Plan& plan) {
  for (collectors::OffCollector& off : plan.off) {
    const bool wanted = std::ranges::any_of(
        assumed.on, [&](const auto& planned) { return planned.collector == off.collector; });
    if (!wanted) continue;
    off.reason = "what it needs of the server could not be read";
    off.missing = true;
    off.label = label;
  }
}

}  // namespace

net::awaitable<Status> Target::State::Learn(ServerFacts now, bool warm, TimePoint deadline) {
  if (!ExcessOf(now).empty()) WarnOfSuperuser();
  const bool same = facts_ && SamePlan(*facts_, now);
  const bool recent = SteadyClock::now() - facts_at_ < kAskAgain;
  if (warm && same && recent && !facts_stale_) {
    co_await LearnHidden(deadline);
    co_return Status();
  }
  FailedFacts unknown = {{FactsQuery::kExtensions, ""}, {FactsQuery::kSettings, ""}};
  if (facts_) {
    const bool other = !facts_->system_identifier.empty() && !now.system_identifier.empty() &&
                       facts_->system_identifier != now.system_identifier;
    NoteChange(now, other);
    if (!other && facts_->version_num == now.version_num) {
      // Kept should one of the queries fail.
      now.extensions = facts_->extensions;
      now.settings = facts_->settings;
      now.columns = facts_->columns;
      unknown = unknown_;
    }
  }
  Result<pg::Connection*> connected = co_await main_.Connect(Budget(deadline), deadline);
  if (!connected.ok()) co_return connected.error();
  FailedFacts failed;
  const Status asked = co_await AskRest(**connected, catalogue_, deadline, now, failed);
  facts_ = std::move(now);
  facts_at_ = SteadyClock::now();
  facts_stale_ = !failed.empty();
  std::erase_if(unknown, [&](const auto& entry) { return !failed.contains(entry.first); });
  for (auto& [query, label] : unknown) label = failed[query];
  unknown_ = std::move(unknown);
  hidden_.PutInto(*facts_);
  if (!asked.ok()) {
    plan_.reset();  // it may be of another role or version
    AssumePlan(*facts_);
    co_return asked;
  }
  plan_ = Share(PlanOf(*facts_));
  TellNamesakes();
  assumed_.reset();
  co_await LearnHidden(deadline);
  if (listener && !stopped_) listener(*facts_);
  co_return Status();
}

void Target::State::TellNamesakes() {
  namesakes_.clear();
  for (const Namesake& one : NamesakesOf(*plan_)) {
    namesakes_.insert(one.metric);
    if (!logged_namesakes_.insert(one.users->name + " " + one.metric).second) continue;
    spdlog::warn("target={} collector={} file={}: {}", options_.name, one.users->name,
                 one.users->where, one.InWords());
  }
}

void Target::State::NoteChange(const ServerFacts& now, bool other) {
  if (other) {
    spdlog::warn("target={}: another server answers: system_identifier was {}, is {}",
                 options_.name, facts_->system_identifier, now.system_identifier);
    schedule_.Clear();
    rotation_.Clear();
  } else if (facts_->in_recovery != now.in_recovery) {
    spdlog::info("target={}: the server is a {} now", options_.name,
                 now.in_recovery ? "standby" : "primary");
  }
  if (other || facts_->in_recovery != now.in_recovery) {
    governors_.clear();
    governors_elsewhere_.clear();
    samplings_.clear();
    lookups_.clear();
  }
}

collectors::Plan Target::State::PlanOf(const ServerFacts& facts) const {
  collectors::Plan plan = MakePlan(catalogue_, options_.selection, facts);
  if (!unknown_.empty()) {
    ServerFacts assumed = facts;
    Assume(unknown_, assumed);
    FailUnknown(MakePlan(catalogue_, options_.selection, assumed), unknown_.begin()->second, plan);
  }
  if (options_.discovery.Excludes(facts.database)) {
    DropScope(plan, collectors::Scope::kDatabase, "the database is excluded");
  }
  return plan;
}

void Target::State::Assume(const FailedFacts& unknown, ServerFacts& facts) const {
  for (const auto& collector : catalogue_.collectors()) {
    const collectors::Needs& needs = collector->needs;
    if (unknown.contains(FactsQuery::kExtensions)) {
      facts.extensions.try_emplace(needs.extension, collectors::Extension{"pg_catalog", ""});
    }
    if (unknown.contains(FactsQuery::kSettings)) {
      const std::size_t equals = needs.setting.find('=');
      facts.settings.try_emplace(
          needs.setting.substr(0, equals),
          equals == std::string::npos ? "on" : needs.setting.substr(equals + 1));
    }
  }
}

void Target::State::AssumePlan(ServerFacts facts) {
  FailedFacts unknown;
  if (facts.extensions.empty()) unknown[FactsQuery::kExtensions] = "";
  if (facts.settings.empty()) unknown[FactsQuery::kSettings] = "";
  Assume(unknown, facts);
  assumed_ = Share(PlanOf(facts));
}

void Target::State::AssumePlan(int version_num) {
  if (assumed_) return;
  ServerFacts facts;
  facts.version_num = version_num;
  facts.superuser = true;  // no privilege is known to be missing
  AssumePlan(std::move(facts));
}

std::shared_ptr<const collectors::Plan> Target::State::Share(collectors::Plan plan) const {
  if (options_.plans) return options_.plans->Share(std::move(plan));
  return std::make_shared<const collectors::Plan>(std::move(plan));
}

void Target::State::ForgetPlan() {
  if (plan_) assumed_ = std::exchange(plan_, nullptr);
  facts_stale_ = true;
}

}  // namespace pgbeacon::scrape
