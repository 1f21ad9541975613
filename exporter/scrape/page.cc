#include "exporter/scrape/page.h"

#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"

namespace pgbeacon::scrape {
namespace {

using collectors::PlannedCollector;

struct Made {
  const char* name;
  MetricType type;
  const char* help;
};

// clang-format off
constexpr Made kUp = {"pg_up", MetricType::Gauge,
    "Whether the server answered the first query of this scrape (1) or not (0)."};
constexpr Made kReason = {"pg_up_reason", MetricType::Gauge,
    "Why the server is up or not: 1 for the reason that holds, 0 for all others."};
constexpr Made kServerInfo = {"pg_server_info", MetricType::Gauge,
    "Which server answered: the system identifier of its cluster, its version and cluster_name."};
constexpr Made kStatic = {"pg_static", MetricType::Untyped,
    "Version string as reported by postgres"};
constexpr Made kSuccess = {"pg_scrape_collector_success", MetricType::Gauge,
    "Whether the collector's last run succeeded (1) or not (0)."};
constexpr Made kDuration = {"pg_scrape_collector_duration_seconds", MetricType::Gauge,
    "Time that the server and the network took for the collector's last run, without queueing."};
constexpr Made kAge = {"pgbeacon_collector_age_seconds", MetricType::Gauge,
    "Age of what the collector shows: 0 when it ran for this scrape."};
constexpr Made kFailure = {"pgbeacon_collector_failure_info", MetricType::Gauge,
    "Collectors whose last run failed, with the kind of failure; always 1."};
constexpr Made kDropped = {"pgbeacon_series_dropped", MetricType::Gauge,
    "Series of the collector's last run that were left out: over its limit, duplicate or unreadable."};
constexpr Made kBackends = {"pgbeacon_backends", MetricType::Gauge,
    "Backends that pgbeacon holds on the server now, pending connects included."};
constexpr Made kSeconds = {"pgbeacon_target_seconds_total", MetricType::Counter,
    "Time for which the server was seen up or down, by the outcome of scrapes."};
constexpr Made kSuperuser = {"pgbeacon_superuser_login", MetricType::Gauge,
    "Whether pgbeacon logs in as a superuser, which it should not."};
// clang-format on

Family NewFamily(const Made& made) { return pgbeacon::NewFamily(made.name, made.type, made.help); }

/// The families with one sample per collector, filled side by side.
class CollectorFamilies {
 public:
  void Ran(const std::string& collector, const Outcome& outcome, std::optional<double> age) {
    const Labels label = {{"collector", collector}};
    AddSample(success_, label, outcome.failure.empty() ? 1 : 0);
    AddSample(duration_, label, outcome.seconds);
    AddSample(dropped_, label, static_cast<double>(outcome.dropped));
    if (age) AddSample(age_, label, *age);
    if (!outcome.failure.empty()) Reason(collector, outcome.failure);
  }

  /// One that did not get to run or to end.
  void Failed(const std::string& collector, const std::string& reason) {
    AddSample(success_, {{"collector", collector}}, 0);
    Reason(collector, reason);
  }

  void MoveTo(Families& page) {
    for (Family* family : {&success_, &duration_, &age_, &failure_, &dropped_}) {
      if (!family->metric.empty()) page.push_back(std::move(*family));
    }
  }

 private:
  void Reason(const std::string& collector, const std::string& reason) {
    AddSample(failure_, {{"collector", collector}, {"reason", reason}}, 1);
  }

  Family success_ = NewFamily(kSuccess);
  Family duration_ = NewFamily(kDuration);
  Family age_ = NewFamily(kAge);
  Family failure_ = NewFamily(kFailure);
  Family dropped_ = NewFamily(kDropped);
};

void AddState(const PageInput& input, Families& page) {
  Family up = NewFamily(kUp);
  AddSample(up, {}, input.reason == pg::UpReason::kOk ? 1 : 0);
  page.push_back(std::move(up));
  Family reasons = NewFamily(kReason);
  for (const pg::UpReason reason : pg::kUpReasons) {
    AddSample(reasons, {{"reason", pg::UpReasonName(reason)}}, reason == input.reason ? 1 : 0);
  }
  page.push_back(std::move(reasons));
  Family backends = NewFamily(kBackends);
  AddSample(backends, {}, static_cast<double>(input.backends));
  page.push_back(std::move(backends));
  Family seconds = NewFamily(kSeconds);
  AddSample(seconds, {{"state", "up"}}, Seconds(input.up));
  AddSample(seconds, {{"state", "down"}}, Seconds(input.down));
  page.push_back(std::move(seconds));
}

/// The peer's form: "15.20 (Debian ...)" is 15.20.0, "9.6.1" stays.
std::string ShortVersion(const std::string& version) {
  const std::string number = version.substr(0, version.find_first_not_of("0123456789."));
  const std::size_t parts = Split(number, '.').size();
  return parts == 1 ? number + ".0.0" : parts == 2 ? number + ".0" : number;
}

void AddIdentity(const PageInput& input, Families& page) {
  const collectors::ServerFacts& facts = *input.facts;
  Family info = NewFamily(kServerInfo);
  AddSample(info,
            {{"system_identifier", facts.system_identifier},
             {"version", facts.version},
             {"cluster_name", facts.cluster_name}},
            1);
  page.push_back(std::move(info));
  Family peer = NewFamily(kStatic);
  AddSample(peer,
            {{"server", input.server},
             {"short_version", ShortVersion(facts.version)},
             {"version", facts.version_text}},
            1);
  page.push_back(std::move(peer));
  Family superuser = NewFamily(kSuperuser);
  AddSample(superuser, {}, facts.superuser ? 1 : 0);
  page.push_back(std::move(superuser));
}

void Append(Families& page, const Families& families) {
  page.insert(page.end(), families.begin(), families.end());
}

void AddScraped(const PageInput& input, std::size_t index, CollectorFamilies& own, Families& page) {
  const std::string& name = input.plan->on[index].collector->name;
  if (!input.outcomes || index >= input.outcomes->size() || !(*input.outcomes)[index].done) {
    own.Failed(name, input.unfinished);
    return;
  }
  Outcome& outcome = (*input.outcomes)[index];
  own.Ran(name, outcome, outcome.failure.empty() ? std::optional<double>(0) : std::nullopt);
  if (!input.take) {
    Append(page, outcome.families);
    return;
  }
  page.insert(page.end(), std::make_move_iterator(outcome.families.begin()),
              std::make_move_iterator(outcome.families.end()));
  outcome.families.clear();
}

void AddScheduled(const PageInput& input, const PlannedCollector& planned, CollectorFamilies& own,
                  Families& page) {
  const std::string& name = planned.collector->name;
  const Schedule::Entry* entry = input.schedule ? input.schedule->Find(name) : nullptr;
  if (!entry) {
    own.Failed(name, "timeout");
    return;
  }
  std::optional<double> age;
  if (entry->has_shown) {
    age = Seconds(input.now - entry->shown_at);
    Append(page, entry->shown);
  }
  own.Ran(name, entry->last, age);
}

}  // namespace

Families MakePage(const PageInput& input) {
  Families page;
  AddState(input, page);
  const bool up = input.reason == pg::UpReason::kOk;
  if (up && input.facts) AddIdentity(input, page);
  CollectorFamilies own;
  if (input.plan) {
    for (std::size_t i = 0; i < input.plan->on.size(); ++i) {
      const PlannedCollector& planned = input.plan->on[i];
      if (!up) {
        own.Failed(planned.collector->name,
                   input.reason == pg::UpReason::kTimeout ? "timeout" : "connection");
      } else if (planned.interval) {
        AddScheduled(input, planned, own, page);
      } else {
        AddScraped(input, i, own, page);
      }
    }
    for (const collectors::OffCollector& off : input.plan->off) {
      if (off.missing) own.Failed(off.collector->name, off.label);
    }
  }
  own.MoveTo(page);
  return page;
}

}  // namespace pgbeacon::scrape
