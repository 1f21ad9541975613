#include "exporter/fleet/health.h"

#include <utility>

namespace pgbeacon::fleet {

using scrape::CheckStatus;

std::string HealthRecord(const CheckChange& change) {
  std::string text = "[HEALTHCHECK] " + change.suite + "/" + change.now.name + " is " +
                     CheckStatusName(change.now.status);
  if (change.before) text += std::string(", was ") + CheckStatusName(*change.before);
  return text + ": " + change.now.output;
}

std::vector<CheckChange> Health::Update(std::vector<scrape::Suite> suites, double now_unix) {
  std::vector<CheckChange> changes;
  std::map<std::string, Known> known;
  for (const scrape::Suite& suite : suites) {
    for (const scrape::CheckResult& check : suite.checks) {
      const bool certain = check.status != CheckStatus::kUnknown;
      Known now{check.status, now_unix, certain};
      const auto before = known_.find(check.name);
      if (before != known_.end()) {
        const Known& old = before->second;
        if (old.status == check.status) now.changed_unix = old.changed_unix;
        now.told = now.told || old.told;
        const bool first = !old.told && check.status == CheckStatus::kOk;
        if (old.status != check.status && !first)
          changes.push_back({suite.name, check, old.status});
      } else if (certain && check.status != CheckStatus::kOk) {
        changes.push_back({suite.name, check, std::nullopt});
      }
      known.emplace(check.name, now);
    }
  }
  known_ = std::move(known);
  suites_ = std::move(suites);
  judged_at_ = SteadyClock::now();
  return changes;
}

void Health::AppendFamilies(Families& page) const {
  if (known_.empty()) return;
  Family status = NewFamily("pgbeacon_check_status", MetricType::Gauge,
                            "What the check found: 0 ok, 1 warning, 2 critical, 3 unknown.");
  Family changed = NewFamily("pgbeacon_check_changed_timestamp_seconds", MetricType::Gauge,
                             "Since when the check has found that, as far as pgbeacon has seen.");
  for (const auto& [check, known] : known_) {
    AddSample(status, {{"check", check}}, static_cast<double>(known.status));
    AddSample(changed, {{"check", check}}, known.changed_unix);
  }
  page.push_back(std::move(status));
  page.push_back(std::move(changed));
}

}  // namespace pgbeacon::fleet
