// The pages of a Tally.
#include <algorithm>
#include <initializer_list>
#include <utility>

#include "logparse/sample.h"
#include "logparse/tally_state.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kThreshold = "pg_log_long_statement_threshold_seconds";

Family& Counter(std::map<std::string, Family>& families, const char* name, const char* help) {
  Family& out = families[name];
  if (!out.name.empty()) return out;
  out.name = name;
  out.help = help;
  out.type = MetricType::Counter;
  return out;
}

}  // namespace

void Tally::State::CollectCounts(const Labels& labels, const LogCounts& counts,
                                 std::map<std::string, Family>& families) const {
  const auto with = [&labels](std::initializer_list<Labels::value_type> more) {
    Labels all = labels;
    all.insert(all.end(), more);
    return all;
  };
  Family& messages =
      Counter(families, "pg_log_messages_total", "Messages of the server by severity.");
  for (std::size_t i = 0; i < kSeverities; ++i) {
    const std::string severity(SeverityName(static_cast<Severity>(i)));
    if (counts.born || counts.messages[i] > 0) {
      AddSample(messages, with({{"severity", severity}}), static_cast<double>(counts.messages[i]));
    }
    if (counts.own[i] == 0) continue;
    AddSample(Counter(families, "pg_log_own_messages_total",
                      "Messages that pgbeacon's own sessions caused, in none of the other counts."),
              with({{"severity", severity}}), static_cast<double>(counts.own[i]));
  }
  counts.errors.Collect(labels, Counter(families, "pg_log_errors_total",
                                        "Messages of severity WARNING and worse by SQLSTATE."));
  Family& events =
      Counter(families, "pg_log_events_total",
              "Events of the catalogue; event=\"other\" where no row took the message.");
  const auto add_event = [&](std::string_view name, std::string_view event_class,
                             std::uint64_t count) {
    AddSample(events, with({{"event", std::string(name)}, {"class", std::string(event_class)}}),
              static_cast<double>(count));
  };
  const std::vector<EventRow>& rows = catalogue.rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (counts.events[i] > 0 || (rows[i].born && counts.born)) {
      add_event(rows[i].name, rows[i].event_class, counts.events[i]);
    }
  }
  if (counts.other_events > 0) add_event(kOther, kOther, counts.other_events);
}

void Tally::State::CollectCells(const ServerTally& server,
                                std::map<std::string, Family>& families) const {
  const std::vector<FamilySpec>& specs = catalogue.families();
  for (const auto& [database, counts] : server.All()) {
    const Labels of_server = {{"server", server.name()}};
    Labels of_database = of_server;
    if (database) of_database.emplace_back("datname", *database);
    CollectCounts(of_database, *counts, families);
    for (std::size_t f = 0; f < specs.size(); ++f) {
      Family& out = families[specs[f].name];
      out.name = specs[f].name;
      out.help = specs[f].help;
      out.type = specs[f].type == FamilySpec::Type::kCounter ? MetricType::Counter
                 : specs[f].type == FamilySpec::Type::kGauge ? MetricType::Gauge
                                                             : MetricType::Histogram;
      counts->cells.Collect(static_cast<int>(f), plan.by_database(f) ? of_database : of_server,
                            out);
    }
  }
}

/// What has no databases.
void Tally::State::CollectApart(const ServerTally& server, double now,
                                std::map<std::string, Family>& families) const {
  const Labels labels = {{"server", server.name()}};
  server.client_errors.Collect(labels,
                               Counter(families, "pg_client_log_errors_total",
                                       "Errors as clients print them, by SQLSTATE; never part of "
                                       "pg_log_errors_total."));
  if (server.other_pooler_lines > 0) {
    AddSample(Counter(families, "pgbouncer_log_events_total", "Lines of PgBouncer's log by event."),
              {{"server", server.name()}, {"event", std::string(kOther)}},
              static_cast<double>(server.other_pooler_lines));
  }
  server.samples.Collect(catalogue.samples(), server.name(), now, families);
  if (server.samples.unread() > 0) {
    AddSample(Counter(families, "pg_sample_unread_values_total",
                      "Values of sample#, count# and measure# records that are no number of a "
                      "unit that fits."),
              labels, static_cast<double>(server.samples.unread()));
  }
  if (server.samples.dropped() > 0) {
    Family& dropped = families["pgbeacon_series_dropped"];
    dropped.name = "pgbeacon_series_dropped";
    dropped.help = "Series left out because there were too many.";
    dropped.type = MetricType::Gauge;
    if (dropped.metric.empty()) AddSample(dropped, {{"collector", "sample"}}, 0);
    dropped.metric[0].gauge.value += static_cast<double>(server.samples.dropped());
  }
  if (server.statements) server.statements->Collect(server.name(), families);
}

Families Tally::State::Collect(std::vector<const ServerTally*> shown, double now) const {
  std::ranges::sort(shown, {}, &ServerTally::name);
  std::map<std::string, Family> families;
  for (const ServerTally* server : shown) {
    CollectCells(*server, families);
    CollectApart(*server, now, families);
  }
  Families out;
  AddSample(AddFamily(out, std::string(kThreshold), MetricType::Gauge,
                      "From which duration on a logged statement counts as long."),
            {}, options.long_statement_seconds);
  for (auto& [name, family] : families) {
    if (!family.metric.empty()) out.push_back(std::move(family));
  }
  std::ranges::sort(out, {}, &Family::name);
  return out;
}

Families Tally::Collect(double now) const {
  std::vector<const ServerTally*> shown;
  for (const auto& server : state_->servers) shown.push_back(server.get());
  return state_->Collect(std::move(shown), now);
}

Families Tally::Scrape(double now, const std::function<bool(const std::string& server)>& shows) {
  std::vector<const ServerTally*> shown;
  std::vector<std::unique_ptr<ServerTally>> zeros;
  for (const auto& server : state_->servers) {
    if (shows && !shows(server->name())) continue;
    if (server->unseen) zeros.push_back(state_->MakeServer(server->name()));
    shown.push_back(server->unseen ? zeros.back().get() : server.get());
    server->unseen = false;
  }
  return state_->Collect(std::move(shown), now);
}

bool Tally::Knows(std::string_view server) const {
  return state_->by_name.find(server) != state_->by_name.end();
}

void Tally::MarkScraped() {
  for (const auto& server : state_->servers) server->unseen = false;
}

}  // namespace pgbeacon::log
