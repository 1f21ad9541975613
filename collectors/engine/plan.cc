#include "collectors/engine/plan.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "collectors/engine/sql.h"

namespace pgbeacon::collectors {
namespace {

using std::chrono::milliseconds;

Choice ChoiceOf(const Selection& selection, const Collector& collector) {
  const auto own = selection.choices.find(collector.name);
  if (own != selection.choices.end()) return own->second;
  const auto peer = selection.choices.find(collector.peer);
  return peer != selection.choices.end() && !collector.peer.empty() ? peer->second : Choice();
}

/// Why the user's choice keeps it off; empty when it is to run.
std::string NotChosen(const Selection& selection, const Choice& choice,
                      const Collector& collector) {
  if (choice.enabled) return *choice.enabled ? "" : "switched off";
  if (collector.legacy && !selection.legacy) return "--disable-default-metrics is on";
  if (selection.all) return "";
  if (selection.peer && !collector.users) {
    return collector.peer_default || collector.legacy
               ? ""
               : "not of the preset; --collector." + collector.name + " adds it";
  }
  if (collector.on_by_default) return "";
  return "off by default; --collector." + collector.name + " switches it on";
}

/// Why it is not for this server; empty when it is.
std::string NotHere(const Collector& collector, const ServerFacts& facts) {
  const VersionRange& versions = collector.versions;
  const std::string is = "; this server is " + std::to_string(facts.major());
  if (facts.major() < std::max(versions.min, kOldestMajor)) {
    return "needs PostgreSQL " + std::to_string(std::max(versions.min, kOldestMajor)) +
           " or newer" + is;
  }
  if (facts.major() >= versions.below) {
    return "ends with PostgreSQL " + std::to_string(versions.below - 1) + is;
  }
  if (collector.role == Role::kPrimary && facts.in_recovery) {
    return "runs on a primary; this server is a standby";
  }
  if (collector.role == Role::kStandby && !facts.in_recovery) {
    return "runs on a standby; this server is a primary";
  }
  return "";
}

/// "name" wants the setting on, "name=value" this value of it.
bool SettingHolds(const std::string& need, const ServerFacts& facts) {
  const std::size_t equals = need.find('=');
  const auto setting = facts.settings.find(need.substr(0, equals));
  if (setting == facts.settings.end()) return false;
  if (equals != std::string::npos) return setting->second == need.substr(equals + 1);
  return !setting->second.empty() && setting->second != "off" && setting->second != "0";
}

/// What the server lacks: the reason in words and its label; both empty when nothing.
std::pair<std::string, std::string> Unmet(const Needs& needs, const ServerFacts& facts) {
  if (!needs.extension.empty() && !facts.extensions.contains(needs.extension)) {
    return {"needs the extension " + needs.extension + " in database " + facts.database,
            "missing_extension"};
  }
  if (!needs.privilege.empty() && !facts.superuser && !facts.privileges.contains(needs.privilege)) {
    return {"needs the privileges of " + needs.privilege + "; GRANT " + needs.privilege +
                " TO the login",
            "permission"};
  }
  if (!needs.setting.empty() && !SettingHolds(needs.setting, facts)) {
    return {"needs the setting " + needs.setting, "missing_setting"};
  }
  return {};
}

std::optional<milliseconds> Interval(const Choice& choice, const Collector& collector) {
  const std::optional<milliseconds> interval =
      choice.interval ? choice.interval : collector.interval;
  return interval && interval->count() > 0 ? interval : std::nullopt;
}

std::map<std::string, std::string> OptionsOf(const Choice& choice, const Collector& collector) {
  std::map<std::string, std::string> values;
  for (const Option& option : collector.options) {
    const auto set = choice.options.find(option.name);
    values[option.name] = set == choice.options.end() ? option.value : set->second;
  }
  return values;
}

std::vector<std::size_t> KeepOf(const PlannedCollector& planned) {
  std::vector<std::size_t> keep;
  for (const Top& top : planned.collector->top) {
    const auto option = planned.options.find(top.keep_option);
    keep.push_back(option == planned.options.end()
                       ? top.keep
                       : static_cast<std::size_t>(ParseInt(option->second).value_or(1)));
  }
  return keep;
}

void PlanOne(const Collector& collector, const Selection& selection, const ServerFacts& facts,
             Plan& plan) {
  const Choice choice = ChoiceOf(selection, collector);
  std::string reason = NotChosen(selection, choice, collector);
  if (reason.empty()) reason = NotHere(collector, facts);
  if (!reason.empty()) {
    plan.off.push_back({&collector, std::move(reason), false, ""});
    return;
  }
  if (auto [unmet, label] = Unmet(collector.needs, facts); !unmet.empty()) {
    const bool missing = choice.enabled.has_value();
    plan.off.push_back({&collector, std::move(unmet), missing, missing ? std::move(label) : ""});
    return;
  }
  std::map<std::string, std::string> options = OptionsOf(choice, collector);
  std::optional<Statement> statement = BuildStatement(collector, facts, options);
  if (!statement) {
    plan.off.push_back({&collector, "the server has nothing of what it asks for", false, ""});
    return;
  }
  PlannedCollector& planned = plan.on.emplace_back();
  planned.collector = &collector;
  planned.sql = std::move(statement->sql);
  planned.major = facts.major();
  planned.columns = std::move(statement->columns);
  planned.options = std::move(options);
  planned.keep = KeepOf(planned);
  const std::optional<milliseconds> interval = Interval(choice, collector);
  if (collector.sample) {
    planned.sample = interval.value_or(*collector.sample);
  } else {
    planned.interval = interval;
  }
  planned.timeout = choice.timeout ? choice.timeout : collector.timeout;
  planned.limit = choice.limit.value_or(collector.limit);
  planned.label_limit = choice.label_limit.value_or(collector.label_limit);
}

}  // namespace

Plan MakePlan(const Catalogue& catalogue, const Selection& selection, const ServerFacts& facts) {
  Plan plan;
  for (const auto& collector : catalogue.collectors()) PlanOne(*collector, selection, facts, plan);
  std::ranges::stable_sort(plan.on, {}, [](const PlannedCollector& planned) {
    return std::tuple(planned.sample.has_value(), planned.interval.has_value(),
                      planned.collector->users, planned.collector->cost);
  });
  return plan;
}

void DropScope(Plan& plan, Scope scope, const std::string& reason) {
  std::erase_if(plan.on, [&](const PlannedCollector& planned) {
    if (planned.collector->scope != scope) return false;
    plan.off.push_back({planned.collector, reason, false, ""});
    return true;
  });
}

}  // namespace pgbeacon::collectors
