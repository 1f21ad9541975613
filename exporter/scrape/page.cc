#include "exporter/scrape/page.h"

#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "exporter/scrape/twins.h"

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
    "Series of the collector's last run that are nowhere on the page: over a limit, duplicate or "
    "unreadable."};
constexpr Made kInOther = {"pgbeacon_series_in_other", MetricType::Gauge,
    "Series of the collector's last run that have no place of their own: \"other\" stands for them, "
    "whose counters and sums are exact."};
constexpr Made kShortened = {"pgbeacon_label_values_shortened", MetricType::Gauge,
    "Label values of the collector's last run that were longer than its label_limit: they are cut and "
    "end in a hash."};
constexpr Made kSampled = {"pgbeacon_collector_sampled_seconds_total", MetricType::Counter,
    "Time that the collector's samples stand for, and time that none stands for."};
constexpr Made kBackends = {"pgbeacon_backends", MetricType::Gauge,
    "Backends that pgbeacon has on the server now, with pending connects and with closed connections "
    "that the server has not ended."};
constexpr Made kBreaker = {"pgbeacon_breaker_open", MetricType::Gauge,
    "Whether so many connects in a row have failed that each has one second (1) or not (0)."};
constexpr Made kSeconds = {"pgbeacon_target_seconds_total", MetricType::Counter,
    "Time between scrapes at most 5 minutes apart, by what the later one found: availability."};
constexpr Made kCertificate = {"pgbeacon_tls_certificate_not_after_timestamp_seconds",
    MetricType::Gauge, "When the TLS certificate ends."};
constexpr Made kStatements = {"pgbeacon_target_statements_total", MetricType::Counter,
    "Statements sent to the server, those that set and end transactions included."};
constexpr Made kReceived = {"pgbeacon_target_received_bytes_total", MetricType::Counter,
    "Bytes of rows that the server has sent."};
constexpr Made kQuery = {"pgbeacon_target_query_seconds_total", MetricType::Counter,
    "Time in which an answer of the server was waited for, network included, queueing not."};
constexpr Made kSuperuser = {"pgbeacon_superuser_login", MetricType::Gauge,
    "Whether pgbeacon logs in as a superuser, which it should not."};
constexpr Made kPrivileged = {"pgbeacon_login_privileged", MetricType::Gauge,
    "Whether pgbeacon's login has the attribute, which it does not need."};
// clang-format on

Family NewFamily(const Made& made) { return pgbeacon::NewFamily(made.name, made.type, made.help); }

/// The families with one sample per collector, filled side by side.
class CollectorFamilies {
 public:
  void Ran(const std::string& collector, const Outcome& outcome, std::optional<double> age) {
    const Labels label = {{"collector", collector}};
    AddSample(success_, label, outcome.failure.empty() ? 1 : 0);
    AddSample(duration_, label, outcome.seconds);
    if (age) AddSample(age_, label, *age);
    if (!outcome.failure.empty()) Reason(collector, outcome.failure);
  }

  /// One that did not get to run or to end.
  void Failed(const std::string& collector, const std::string& reason) {
    AddSample(success_, {{"collector", collector}}, 0);
    Reason(collector, reason);
  }

  void Missing(const std::string& collector, const LeftOut& series) {
    AddSample(dropped_, {{"collector", collector}}, static_cast<double>(series.dropped));
    if (series.in_other > 0) {
      AddSample(in_other_, {{"collector", collector}}, static_cast<double>(series.in_other));
    }
    if (series.shortened > 0) {
      AddSample(shortened_, {{"collector", collector}}, static_cast<double>(series.shortened));
    }
  }

  void Sampled(const std::string& collector, Duration sampled, Duration missed) {
    AddSample(sampled_, {{"collector", collector}, {"state", "sampled"}}, Seconds(sampled));
    AddSample(sampled_, {{"collector", collector}, {"state", "missed"}}, Seconds(missed));
  }

  void MoveTo(Families& page) {
    for (Family* family :
         {&success_, &duration_, &age_, &failure_, &dropped_, &in_other_, &shortened_, &sampled_}) {
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
  Family in_other_ = NewFamily(kInOther);
  Family shortened_ = NewFamily(kShortened);
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
  Family breaker = NewFamily(kBreaker);
  AddSample(breaker, {}, input.breaker_open ? 1 : 0);
  page.push_back(std::move(breaker));
  Family backends = NewFamily(kBackends);
  AddSample(backends, {}, static_cast<double>(input.backends));
  page.push_back(std::move(backends));
  Family seconds = NewFamily(kSeconds);
  AddSample(seconds, {{"state", "up"}}, Seconds(input.up));
  AddSample(seconds, {{"state", "down"}}, Seconds(input.down));
  page.push_back(std::move(seconds));
  const auto add = [&page](const Made& made, Labels labels, double value) {
    Family family = NewFamily(made);
    AddSample(family, std::move(labels), value);
    page.push_back(std::move(family));
  };
  add(kStatements, {}, static_cast<double>(input.cost.statements));
  add(kReceived, {}, static_cast<double>(input.cost.received_bytes));
  add(kQuery, {}, input.cost.query_seconds);
  if (input.certificate_not_after) {
    add(kCertificate, {{"side", "server"}}, *input.certificate_not_after);
  }
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
  Family privileged = NewFamily(kPrivileged);
  AddSample(privileged, {{"attribute", "superuser"}}, facts.superuser ? 1 : 0);
  AddSample(privileged, {{"attribute", "createrole"}}, facts.create_role ? 1 : 0);
  page.push_back(std::move(privileged));
}

std::size_t SeriesOf(const ClientMetric& metric, MetricType type) {
  constexpr std::size_t kSumAndCount = 2;
  return type == MetricType::Histogram ? metric.histogram.bucket.size() + kSumAndCount : 1;
}

/// Collectors' families on the page, as far as there is room.
class Room {
 public:
  Room(Families& page, std::size_t series, Twins twins)
      : page_(page), left_(series), twins_(std::move(twins)) {}

  /// Returns how many series had to stay out: those that are there already, and the last ones.
  std::size_t Add(Families families) {
    std::size_t cut = 0;
    std::size_t twins = 0;
    for (Family& family : families) {
      twins += twins_.TakeOut(family);
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
    return cut + twins;
  }

 private:
  Families& page_;
  std::size_t left_;
  Twins twins_;
};

/// What collectors gave in other databases.
class Elsewhere {
 public:
  explicit Elsewhere(const Rotation* rotation) : rotation_(rotation) {
    if (rotation != nullptr) shown_ = rotation->Shown();
  }

  /// Returns how many series of the collector stay out.
  LeftOut Add(std::string_view collector, Room& room) {
    if (rotation_ == nullptr) return {};
    LeftOut dropped = rotation_->Dropped(collector);
    const auto shown = shown_.find(collector);
    if (shown == shown_.end()) return dropped;
    for (const Families* families : shown->second) dropped.dropped += room.Add(*families);
    shown_.erase(shown);
    return dropped;
  }

  /// Those that do not run in the connected database.
  void AddRest(CollectorFamilies& own, Room& room) {
    while (!shown_.empty()) {
      const std::string collector(shown_.begin()->first);
      own.Missing(collector, Add(collector, room));
    }
  }

 private:
  const Rotation* rotation_;
  std::map<std::string_view, std::vector<const Families*>> shown_;
};

/// These add one collector of the plan and return how many series of its last run stay out; nothing
/// when there was none.
std::optional<LeftOut> AddScraped(const PageInput& input, std::size_t index, CollectorFamilies& own,
                                  Room& room) {
  const std::string& name = input.plan->on[index].collector->name;
  if (!input.outcomes || index >= input.outcomes->size()) {
    own.Failed(name, input.unfinished);
    return std::nullopt;
  }
  Outcome& outcome = (*input.outcomes)[index];
  if (!outcome.done) {
    own.Failed(name, outcome.failure.empty() ? input.unfinished : outcome.failure);
    return std::nullopt;
  }
  own.Ran(name, outcome, outcome.failure.empty() ? std::optional<double>(0) : std::nullopt);
  const std::size_t cut =
      room.Add(input.take ? std::exchange(outcome.families, {}) : outcome.families);
  LeftOut left_out = outcome.left_out;
  left_out.dropped += cut;
  return left_out;
}

std::optional<LeftOut> AddScheduled(const PageInput& input, const PlannedCollector& planned,
                                    CollectorFamilies& own, Room& room) {
  const std::string& name = planned.collector->name;
  const Schedule::Entry* entry = input.schedule ? input.schedule->Find(name) : nullptr;
  if (!entry) {
    own.Failed(name, input.unfinished);
    return std::nullopt;
  }
  std::optional<double> age;
  std::size_t cut = 0;
  if (entry->has_shown) {
    age = Seconds(input.now - entry->shown_at);
    cut = room.Add(entry->shown);
  }
  own.Ran(name, entry->last, age);
  LeftOut left_out = entry->last.left_out;
  left_out.dropped += cut;
  return left_out;
}

const char* DownLabel(const PageInput& input) {
  return input.reason == pg::UpReason::kTimeout ? "timeout" : "connection";
}

/// While the server is down nothing is known of what its processes do: their time is told as
/// missed.
std::optional<LeftOut> AddSampled(const PageInput& input, const PlannedCollector& planned,
                                  CollectorFamilies& own, Room& room) {
  const std::string& name = planned.collector->name;
  if (input.samplings == nullptr) return std::nullopt;
  const auto sampling = input.samplings->find(name);
  if (sampling == input.samplings->end()) return std::nullopt;
  const Sampling& seen = sampling->second;
  own.Sampled(name, seen.sampled, seen.missed);
  if (input.reason != pg::UpReason::kOk) {
    own.Failed(name, DownLabel(input));
    return std::nullopt;
  }
  if (!seen.last.done) return std::nullopt;
  std::optional<double> age;
  if (seen.good) age = Seconds(input.now - *seen.good);
  own.Ran(name, seen.last, age);
  LeftOut left_out = seen.last.left_out;
  left_out.dropped += room.Add(seen.tally.families());
  return left_out;
}

std::optional<LeftOut> AddPlanned(const PageInput& input, std::size_t index, CollectorFamilies& own,
                                  Room& room) {
  const PlannedCollector& planned = input.plan->on[index];
  if (planned.sample) return AddSampled(input, planned, own, room);
  if (input.reason != pg::UpReason::kOk) {
    own.Failed(planned.collector->name, DownLabel(input));
    return std::nullopt;
  }
  if (planned.interval) return AddScheduled(input, planned, own, room);
  return AddScraped(input, index, own, room);
}

bool Wants(const PageInput& input, const collectors::Collector& collector) {
  return !input.only || input.only->Wants(collector.name, collector.peer);
}

}  // namespace

Families MakePage(const PageInput& input) {
  Families page;
  AddState(input, page);
  const bool up = input.reason == pg::UpReason::kOk;
  if (up && input.facts) AddIdentity(input, page);
  CollectorFamilies own;
  Room room(page, input.series_limit, Twins(input.namesakes));
  Elsewhere elsewhere(up ? input.rotation : nullptr);
  if (input.plan) {
    for (std::size_t i = 0; i < input.plan->on.size(); ++i) {
      const collectors::Collector& collector = *input.plan->on[i].collector;
      if (!Wants(input, collector)) continue;
      const std::size_t first = page.size();
      const std::optional<LeftOut> here = AddPlanned(input, i, own, room);
      LeftOut there = elsewhere.Add(collector.name, room);
      const bool known = here || there.any();
      if (known) own.Missing(collector.name, there += here.value_or(LeftOut()));
      if (collector.legacy) ApplyPrefix(input.naming, page, first);
    }
    for (const collectors::OffCollector& off : input.plan->off) {
      if (off.missing && Wants(input, *off.collector)) own.Failed(off.collector->name, off.label);
    }
  }
  if (!input.only || input.only->all()) elsewhere.AddRest(own, room);
  if (up && input.rotation) input.rotation->AppendTo(page, input.now);
  own.MoveTo(page);
  ApplyLabels(input.naming, page);
  return page;
}

void AppendReports(const std::vector<Report>& reports, Families& page) {
  CollectorFamilies own;
  for (const Report& report : reports) {
    Outcome outcome;
    outcome.failure = report.failure;
    outcome.seconds = report.seconds;
    own.Ran(report.collector, outcome, report.age);
    own.Missing(report.collector, {.dropped = report.dropped, .in_other = 0, .shortened = 0});
  }
  own.MoveTo(page);
}

}  // namespace pgbeacon::scrape
