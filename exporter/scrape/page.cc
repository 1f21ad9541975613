#include "exporter/scrape/page.h"

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
    "Series of the collector's last run without a place of their own: shown as \"other\" where that "
    "has a meaning, over a limit, duplicate or unreadable."};
constexpr Made kSampled = {"pgbeacon_collector_sampled_seconds_total", MetricType::Counter,
    "Time that the collector's samples stand for, and time that none stands for."};
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
  explicit CollectorFamilies(const Rotation* rotation) : rotation_(rotation) {}

  /// `cut`: series that the page has no room for.
  void Ran(const std::string& collector, const Outcome& outcome, std::optional<double> age,
           std::size_t cut) {
    const Labels label = {{"collector", collector}};
    AddSample(success_, label, outcome.failure.empty() ? 1 : 0);
    AddSample(duration_, label, outcome.seconds);
    const std::size_t elsewhere = rotation_ ? rotation_->Dropped(collector) : 0;
    AddSample(dropped_, label, static_cast<double>(outcome.dropped + elsewhere + cut));
    if (age) AddSample(age_, label, *age);
    if (!outcome.failure.empty()) Reason(collector, outcome.failure);
  }

  /// One that did not get to run or to end.
  void Failed(const std::string& collector, const std::string& reason) {
    AddSample(success_, {{"collector", collector}}, 0);
    Reason(collector, reason);
  }

  void Sampled(const std::string& collector, Duration sampled, Duration missed) {
    AddSample(sampled_, {{"collector", collector}, {"state", "sampled"}}, Seconds(sampled));
    AddSample(sampled_, {{"collector", collector}, {"state", "missed"}}, Seconds(missed));
  }

  void MoveTo(Families& page) {
    for (Family* family : {&success_, &duration_, &age_, &failure_, &dropped_, &sampled_}) {
      if (!family->metric.empty()) page.push_back(std::move(*family));
    }
  }

 private:
  void Reason(const std::string& collector, const std::string& reason) {
    AddSample(failure_, {{"collector", collector}, {"reason", reason}}, 1);
  }

  const Rotation* rotation_;
  Family success_ = NewFamily(kSuccess);
  Family duration_ = NewFamily(kDuration);
  Family age_ = NewFamily(kAge);
  Family failure_ = NewFamily(kFailure);
  Family dropped_ = NewFamily(kDropped);
  Family sampled_ = NewFamily(kSampled);
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

std::size_t SeriesOf(const ClientMetric& metric, MetricType type) {
  constexpr std::size_t kSumAndCount = 2;
  return type == MetricType::Histogram ? metric.histogram.bucket.size() + kSumAndCount : 1;
}

/// Collectors' families on the page, as far as there is room.
class Room {
 public:
  Room(Families& page, std::size_t series) : page_(page), left_(series) {}

  /// Returns how many series had to stay out: the last ones.
  std::size_t Add(Families families) {
    std::size_t cut = 0;
    for (Family& family : families) {
      std::size_t fit = 0;
      for (const ClientMetric& metric : family.metric) {
        const std::size_t series = SeriesOf(metric, family.type);
        if (cut > 0 || series > left_) {
          cut += series;
          continue;
        }
        left_ -= series;
        ++fit;
      }
      family.metric.resize(fit);
      if (fit > 0) page_.push_back(std::move(family));
    }
    return cut;
  }

 private:
  Families& page_;
  std::size_t left_;
};

void AddScraped(const PageInput& input, std::size_t index, CollectorFamilies& own, Room& room) {
  const std::string& name = input.plan->on[index].collector->name;
  if (!input.outcomes || index >= input.outcomes->size() || !(*input.outcomes)[index].done) {
    own.Failed(name, input.unfinished);
    return;
  }
  Outcome& outcome = (*input.outcomes)[index];
  const std::size_t cut =
      room.Add(input.take ? std::exchange(outcome.families, {}) : outcome.families);
  own.Ran(name, outcome, outcome.failure.empty() ? std::optional<double>(0) : std::nullopt, cut);
}

void AddScheduled(const PageInput& input, const PlannedCollector& planned, CollectorFamilies& own,
                  Room& room) {
  const std::string& name = planned.collector->name;
  const Schedule::Entry* entry = input.schedule ? input.schedule->Find(name) : nullptr;
  if (!entry) {
    own.Failed(name, "timeout");
    return;
  }
  std::optional<double> age;
  std::size_t cut = 0;
  if (entry->has_shown) {
    age = Seconds(input.now - entry->shown_at);
    cut = room.Add(entry->shown);
  }
  own.Ran(name, entry->last, age, cut);
}

const char* DownLabel(const PageInput& input) {
  return input.reason == pg::UpReason::kTimeout ? "timeout" : "connection";
}

/// While the server is down nothing is known of what its processes do: their time is told as
/// missed.
void AddSampled(const PageInput& input, const PlannedCollector& planned, CollectorFamilies& own,
                Room& room) {
  const std::string& name = planned.collector->name;
  if (input.samplings == nullptr) return;
  const auto sampling = input.samplings->find(name);
  if (sampling == input.samplings->end()) return;
  const Sampling& seen = sampling->second;
  own.Sampled(name, seen.sampled, seen.missed);
  if (input.reason != pg::UpReason::kOk) return own.Failed(name, DownLabel(input));
  if (!seen.last.done) return;
  std::optional<double> age;
  if (seen.good) age = Seconds(input.now - *seen.good);
  own.Ran(name, seen.last, age, room.Add(seen.tally.families()));
}

}  // namespace

Families MakePage(const PageInput& input) {
  Families page;
  AddState(input, page);
  ApplyPrefix(input.naming, page, 0);
  const bool up = input.reason == pg::UpReason::kOk;
  if (up && input.facts) AddIdentity(input, page);
  CollectorFamilies own(input.rotation);
  Room room(page, input.series_limit);
  if (input.plan) {
    for (std::size_t i = 0; i < input.plan->on.size(); ++i) {
      const PlannedCollector& planned = input.plan->on[i];
      const std::size_t first = page.size();
      if (planned.sample) {
        AddSampled(input, planned, own, room);
      } else if (!up) {
        own.Failed(planned.collector->name, DownLabel(input));
      } else if (planned.interval) {
        AddScheduled(input, planned, own, room);
      } else {
        AddScraped(input, i, own, room);
      }
      if (planned.collector->legacy) ApplyPrefix(input.naming, page, first);
    }
    for (const collectors::OffCollector& off : input.plan->off) {
      if (off.missing) own.Failed(off.collector->name, off.label);
    }
  }
  if (up && input.rotation) input.rotation->AppendTo(page, input.now);
  own.MoveTo(page);
  ApplyLabels(input.naming, page);
  return page;
}

void AppendReports(const std::vector<Report>& reports, Families& page) {
  CollectorFamilies own(nullptr);
  for (const Report& report : reports) {
    Outcome outcome;
    outcome.failure = report.failure;
    outcome.seconds = report.seconds;
    outcome.dropped = report.dropped;
    own.Ran(report.collector, outcome, report.age, 0);
  }
  own.MoveTo(page);
}

}  // namespace pgbeacon::scrape
