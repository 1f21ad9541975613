#include "exporter/cli/examples.h"

#include "exporter/fanout/drain_figures.h"
#include "exporter/fanout/hub.h"
#include "exporter/fleet/health.h"
#include "exporter/fleet/watched.h"
#include "exporter/ingest/listener_status.h"
#include "exporter/ingest/logplex_delivery.h"
#include "exporter/ingest/source_families.h"
#include "exporter/metrics/self.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/scrape/page.h"
#include "exporter/scrape/rotation.h"
#include "exporter/state/figures.h"
#include "exporter/web/logplex_input.h"
#include "exporter/web/web_figures.h"
#include "logparse/tally.h"

namespace pgbeacon::cli {

Families ExampleLog(const log::Catalogue& events) {
  log::Tally tally(events, {.fingerprints = 1});
  const int server = tally.Server("example");
  log::Message message;
  message.severity = log::Severity::kError;
  message.labelled = true;
  message.text = "example";
  log::Event event;
  for (const log::Side side : {log::Side::kServer, log::Side::kClient}) {
    message.side = side;
    events.Match(message, event);
    tally.Count(server, message, event, 0);
  }
  message.side = log::Side::kServer;
  message.application = "pgbeacon";
  tally.Count(server, message, event, 0);
  message = {};
  message.severity = log::Severity::kLog;
  message.text = "duration: 1 ms  statement: SELECT 1";
  events.Match(message, event);
  tally.Count(server, message, event, 0);
  message = {};
  message.side = log::Side::kPooler;
  message.text = "example";
  events.Match(message, event);
  tally.Count(server, message, event, 0);
  message.side = log::Side::kPlatform;
  message.source = "app";
  message.process = "heroku-postgres";
  message.text =
      "source=EXAMPLE addon=example sample#example=1 sample#other=? count#example=1 "
      "measure#example=1";
  events.Match(message, event);
  tally.Count(server, message, event, 1);
  return tally.Collect(0);
}

namespace {

scrape::Rotation ExampleRotation() {
  const TimePoint now;
  scrape::Discovery discovery;
  discovery.on = true;
  scrape::Rotation rotation(discovery);
  const collectors::MemoryRows databases({"datname", "skipped"}, {{"example", ""}});
  const Status begun = rotation.Begin(databases, "", now);
  if (!begun.ok()) return rotation;
  rotation.Visited("example", now);
  rotation.Failed("example", "timeout");
  rotation.End(now);
  return rotation;
}

}  // namespace

Families ExampleTarget() {
  collectors::Collector collector;
  collector.name = "example";
  collectors::Plan plan;
  plan.on.resize(3);
  for (collectors::PlannedCollector& planned : plan.on) planned.collector = &collector;
  plan.on[2].sample = std::chrono::seconds(1);
  scrape::Samplings samplings;
  samplings[collector.name] = {};
  std::vector<scrape::Outcome> outcomes(2);
  outcomes[0].done = outcomes[1].done = true;
  outcomes[1].failure = "timeout";
  outcomes[0].left_out = {.dropped = 0, .in_other = 1, .shortened = 1};
  const collectors::ServerFacts facts;
  scrape::PageInput input;
  input.reason = pg::UpReason::kOk;
  input.facts = &facts;
  input.plan = &plan;
  input.outcomes = &outcomes;
  scrape::Rotation rotation = ExampleRotation();
  input.rotation = &rotation;
  input.samplings = &samplings;
  Families page = scrape::MakePage(input);
  fleet::Health health;
  const scrape::Suite suite{"example", {}, {{"example", {}, "example"}}};
  health.Update({suite}, 0);
  health.AppendFamilies(page);
  config::Limits limits;
  limits.connections = 1;
  fleet::AppendLimits(limits, page);
  return page;
}

Families ExampleExporter() {
  Families families;
  ingest::SourceStatus status;
  status.match_ratio = 1;
  status.open_bytes = 0;
  status.over_quota["example"] = 1;
  ingest::AppendSourceFamilies({{"example", "", status}}, families);
  ingest::ListenerStatus stream;
  stream.kind = ingest::ListenerKind::kTls;
  ingest::ListenerStatus datagrams;
  datagrams.kind = ingest::ListenerKind::kUdp;
  ingest::AppendFamilies({stream, datagrams}, families);
  ingest::AppendDeliveryFamilies({}, ingest::FrameIds(), families);
  net::asio::io_context io;
  net::BlockingPool pool;
  web::LogplexInput(io.get_executor(), pool, {.tokens_file = "example"}, {})
      .AppendFamilies(families);
  web::AppendFamilies(http::ConnectionFigures(), families);
  web::GuardFigures guard;
  guard.certificate_not_after = 0;
  web::AppendFamilies(guard, families);
  state::AppendStateFamilies({}, families);
  fanout::Hub({}).AppendFamilies(families);
  fanout::DrainFigures drain;
  drain.name = "example";
  drain.up = true;
  drain.last_success_unix = 0;
  fanout::AppendDrainFamilies({drain}, families);
  metrics::SelfStats self;
  self.requests[{"/metrics", 200}] = 1;
  self.config_read_unix = 1;
  self.config_errors = {"example.yml:1:1: example"};
  metrics::AppendSelf(self, families);
  metrics::AppendScrapeStats({}, families);
  metrics::PeerStats peer;
  peer.queries_file = "example";
  metrics::AppendPeerSelf(peer, families);
  return families;
}

}  // namespace pgbeacon::cli
