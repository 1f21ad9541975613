#include <gtest/gtest.h>

#include "exporter/scrape/page.h"

namespace pgbeacon::scrape {
namespace {

/// A plan of one sampled collector that has seen two processes for a second.
struct Sampled {
  Sampled() {
    collector.name = "s";
    plan.on.resize(1);
    plan.on[0].collector = &collector;
    plan.on[0].sample = std::chrono::seconds(1);
    collectors::Decoded seen;
    AddSample(AddFamily(seen.families, "waits_total", MetricType::Counter, "h"), {}, 2);
    Sampling& sampling = samplings["s"];
    sampling.tally.Add(seen, 10, 1);
    sampling.sampled = std::chrono::seconds(1);
    sampling.missed = std::chrono::seconds(3);
    sampling.last.done = true;
    sampling.good = now - std::chrono::seconds(4);
    input.plan = &plan;
    input.samplings = &samplings;
    input.now = now;
  }

  const TimePoint now = SteadyClock::now();
  collectors::Collector collector;
  collectors::Plan plan;
  Samplings samplings;
  PageInput input;
};

const Family* Find(const Families& page, const std::string& name) {
  for (const Family& family : page) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

TEST(SampledPage, ShowsTheTallyAndItsAge) {
  Sampled t;
  t.input.reason = pg::UpReason::kOk;
  const Families page = MakePage(t.input);
  ASSERT_NE(Find(page, "waits_total"), nullptr);
  EXPECT_EQ(Find(page, "waits_total")->metric[0].counter.value, 2);
  EXPECT_EQ(Find(page, "pgbeacon_collector_age_seconds")->metric[0].gauge.value, 4);
  EXPECT_EQ(Find(page, "pg_scrape_collector_success")->metric[0].gauge.value, 1);
}

TEST(SampledPage, OfAServerThatIsDownTellsOnlyTheTime) {
  Sampled t;
  t.input.reason = pg::UpReason::kUnreachable;
  const Families page = MakePage(t.input);
  EXPECT_EQ(Find(page, "waits_total"), nullptr);
  EXPECT_EQ(Find(page, "pg_scrape_collector_success")->metric[0].gauge.value, 0);
  const Family* time = Find(page, "pgbeacon_collector_sampled_seconds_total");
  ASSERT_NE(time, nullptr);
  EXPECT_EQ(time->metric[1].counter.value, 3);
}

}  // namespace
}  // namespace pgbeacon::scrape
