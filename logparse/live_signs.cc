#include "logparse/live_signs.h"

#include <algorithm>
#include <cstddef>

namespace pgbeacon::log {
namespace {

constexpr std::string_view kFailures = "pg_log_authentication_failures_total";

int FamilyNamed(std::string_view name, const Catalogue& catalogue) {
  const std::vector<FamilySpec>& families = catalogue.families();
  const auto found = std::ranges::find(families, name, &FamilySpec::name);
  return found == families.end() ? -1 : static_cast<int>(found - families.begin());
}

}  // namespace

LiveSigns::LiveSigns(const Catalogue& catalogue)
    : catalogue_(catalogue), family_(FamilyNamed(kLiveMessages, catalogue)) {
  if (family_ < 0) return;
  for (const auto& labels : catalogue.families()[static_cast<std::size_t>(family_)].born) {
    signs_.insert(labels.front());
  }
  const int failures = FamilyNamed(kFailures, catalogue);
  for (const EventRow& row : catalogue.rows()) {
    event_is_sign_.push_back(signs_.contains(row.name));
    is_failure_.push_back(row.side == Side::kServer && failures >= 0 &&
                          std::ranges::count(row.metrics, failures, &MetricUse::family) > 0);
  }
}

void LiveSigns::Add(std::string_view sign, std::vector<std::string_view>& bears) const {
  if (const auto known = signs_.find(sign); known != signs_.end()) bears.push_back(*known);
}

void LiveSigns::Of(Severity severity, std::string_view sqlstate, const Event& event,
                   std::vector<std::string_view>& bears) const {
  bears.clear();
  if (family_ < 0) return;
  if (severity != Severity::kNone) Add(SeverityName(severity), bears);
  if (!sqlstate.empty()) Add(sqlstate, bears);
  if (event.row == nullptr) return;
  const auto row = static_cast<std::size_t>(event.row - catalogue_.rows().data());
  if (event_is_sign_[row]) bears.push_back(*signs_.find(event.row->name));
  if (is_failure_[row]) Add(kAuthenticationFailure, bears);
}

}  // namespace pgbeacon::log
