#include "exporter/scrape/schedule.h"

#include <algorithm>
#include <set>

namespace pgbeacon::scrape {
namespace {

constexpr int kMissedIntervals = 3;
constexpr std::chrono::minutes kRetry{1};

}  // namespace

std::vector<const collectors::PlannedCollector*> Schedule::Due(const collectors::Plan& plan,
                                                               TimePoint now) const {
  std::vector<const collectors::PlannedCollector*> due;
  for (const collectors::PlannedCollector& planned : plan.on) {
    if (!planned.interval) continue;
    const Entry* entry = Find(planned.collector->name);
    if (!entry || entry->due <= now) due.push_back(&planned);
  }
  return due;
}

bool Schedule::Untried(const collectors::Plan& plan) const {
  return std::ranges::any_of(plan.on, [this](const collectors::PlannedCollector& planned) {
    return planned.interval && !Find(planned.collector->name);
  });
}

void Schedule::Record(const collectors::PlannedCollector& planned, Outcome outcome, TimePoint now) {
  Entry& entry = entries_[planned.collector->name];
  const Duration interval = planned.interval.value_or(kRetry);
  if (outcome.failure.empty()) {
    entry.shown = std::move(outcome.families);
    entry.shown_at = now;
    entry.has_shown = true;
    entry.due = now + interval;
  } else {
    entry.due = now + std::min<Duration>(interval, kRetry);
  }
  outcome.families.clear();
  entry.last = std::move(outcome);
}

const Schedule::Entry* Schedule::Find(std::string_view collector) const {
  const auto found = entries_.find(collector);
  return found == entries_.end() ? nullptr : &found->second;
}

void Schedule::Expire(const collectors::Plan& plan, TimePoint now) {
  std::set<std::string_view> planned_names;
  for (const collectors::PlannedCollector& planned : plan.on) {
    if (!planned.interval) continue;
    planned_names.insert(planned.collector->name);
    const auto found = entries_.find(planned.collector->name);
    if (found == entries_.end()) continue;
    Entry& entry = found->second;
    if (entry.has_shown && now - entry.shown_at > kMissedIntervals * *planned.interval) {
      entry.shown = {};
      entry.has_shown = false;
    }
  }
  std::erase_if(entries_, [&](const auto& entry) { return !planned_names.contains(entry.first); });
}

}  // namespace pgbeacon::scrape
