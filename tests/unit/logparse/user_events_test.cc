// Users' rows: what they can declare, which of their mistakes are told where, and what is left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "logparse/events/catalogue.h"
#include "logparse/tally.h"

namespace pgbeacon::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The built-in catalogue with users' rows from the text of a config file.
struct Loaded {
  explicit Loaded(const std::string& text)
      : root(ReadYaml(text, "c.yml", errors)), catalogue(Catalogue::Builtin(root.Maps("events"))) {
    EXPECT_TRUE(catalogue.ok()) << (catalogue.ok() ? "" : catalogue.error().message);
  }
  /// With another catalogue than the built-in one.
  Loaded(const std::string& text, const std::string& catalogue_text)
      : root(ReadYaml(text, "c.yml", errors)),
        catalogue(Catalogue::Load(catalogue_text, "events.yml", root.Maps("events"))) {
    EXPECT_TRUE(catalogue.ok()) << (catalogue.ok() ? "" : catalogue.error().message);
  }

  std::vector<std::string> UserRows() const {
    std::vector<std::string> names;
    for (std::size_t i = catalogue->own_rows(); i < catalogue->rows().size(); ++i) {
      names.push_back(catalogue->rows()[i].name);
    }
    return names;
  }

  std::string Matched(std::string_view text, Severity severity = Severity::kLog) const {
    Message message;
    message.severity = severity;
    message.text = text;
    Event event;
    catalogue->Match(message, event);
    Event naive;
    catalogue->MatchNaively(message, naive);
    EXPECT_EQ(event.row, naive.row) << text;
    return event.row == nullptr ? "" : event.row->name;
  }

  YamlErrors errors;
  YamlMap root;
  Result<Catalogue> catalogue;
};

const ClientMetric* Find(const Families& families, const std::string& name,
                         const std::string& label = "", const std::string& value = "") {
  for (const Family& family : families) {
    if (family.name != name) continue;
    for (const ClientMetric& metric : family.metric) {
      if (label.empty()) return &metric;
      for (const auto& own : metric.label) {
        if (own.name == label && own.value == value) return &metric;
      }
    }
  }
  return nullptr;
}

Families Count(const Catalogue& catalogue, const std::vector<std::string>& texts) {
  Tally tally(catalogue, {});
  const int server = tally.Server("db1");
  Event event;
  for (const std::string& text : texts) {
    Message message;
    message.severity = Severity::kLog;
    message.labelled = true;
    message.text = text;
    catalogue.Match(message, event);
    tally.Count(server, message, event, 0);
  }
  return tally.Collect(0);
}

constexpr const char* kCheckout = R"(events:
  - name: app_checkout
    class: app
    severity: LOG
    text: 'checkout of {kind:word} took {took:ms} ms, {items:int} items, queue {queue:int}'
    metric:
      - {name: app_checkout_seconds, type: histogram, help: Checkouts., value: took_seconds,
         labels: {kind: '{kind}'}, buckets: [0.1, 1], cap: 2}
      - {name: app_items_total, type: counter, help: Items sold., value: items}
      - {name: app_queue_length, type: gauge, help: Checkouts waiting., value: queue}
      - {name: app_checkouts_total, help: Checkouts., born: true}
    sample: 'checkout of card took 245.5 ms, 3 items, queue 7'
)";

TEST(UserEvents, FeedFamiliesThatTheyDeclare) {
  const Loaded loaded(kCheckout);
  ASSERT_TRUE(loaded.errors.empty()) << loaded.errors.ToError().message;
  const Families families =
      Count(*loaded.catalogue, {"checkout of card took 245.5 ms, 3 items, queue 7",
                                "checkout of card took 54.5 ms, 2 items, queue 5"});
  const ClientMetric* card = Find(families, "app_checkout_seconds", "kind", "card");
  ASSERT_NE(card, nullptr);
  EXPECT_EQ(card->histogram.sample_count, 2U);
  EXPECT_DOUBLE_EQ(card->histogram.sample_sum, 0.3);
  ASSERT_GE(card->histogram.bucket.size(), 2U);
  EXPECT_EQ(card->histogram.bucket[0].cumulative_count, 1U);
  EXPECT_EQ(Find(families, "app_items_total")->counter.value, 5);
  EXPECT_EQ(Find(families, "app_queue_length")->gauge.value, 5);
  EXPECT_EQ(Find(families, "app_checkouts_total")->counter.value, 2);
  EXPECT_EQ(Find(families, "pg_log_events_total", "event", "app_checkout")->counter.value, 2);
}

TEST(UserEvents, ABornFamilyIsThereBeforeTheFirstMessage) {
  const Loaded loaded(kCheckout);
  const Families families = Count(*loaded.catalogue, {});
  ASSERT_NE(Find(families, "app_checkouts_total"), nullptr);
  EXPECT_EQ(Find(families, "app_checkouts_total")->counter.value, 0);
  EXPECT_EQ(Find(families, "app_items_total"), nullptr);
}

TEST(UserEvents, ValuesBeyondTheCapAreOther) {
  const Loaded loaded(kCheckout);
  std::vector<std::string> texts;
  for (const char* kind : {"card", "cash", "gift", "gold"}) {
    texts.push_back("checkout of " + std::string(kind) + " took 1 ms, 1 items, queue 0");
  }
  const Families families = Count(*loaded.catalogue, texts);
  EXPECT_NE(Find(families, "app_checkout_seconds", "kind", "cash"), nullptr);
  EXPECT_EQ(Find(families, "app_checkout_seconds", "kind", "gold"), nullptr);
  const ClientMetric* other = Find(families, "app_checkout_seconds", "kind", "other");
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->histogram.sample_count, 2U);
}

TEST(UserEvents, AHistogramWithoutBucketsGetsThoseOfItsUnit) {
  const Loaded loaded(R"(events:
  - name: upload
    class: app
    text: 'upload of {size:kb} kB'
    metric: [{name: app_upload_bytes, type: histogram, help: Uploads., value: size_bytes}]
    sample: upload of 20 kB
)");
  ASSERT_TRUE(loaded.errors.empty()) << loaded.errors.ToError().message;
  const auto& families = loaded.catalogue->families();
  const auto family = std::ranges::find(families, "app_upload_bytes", &FamilySpec::name);
  ASSERT_NE(family, families.end());
  EXPECT_EQ(family->buckets.front(), 1024);
}

TEST(UserEvents, SeveralRowsMayFeedOneFamily) {
  const Loaded loaded(R"(events:
  - {name: a, class: app, text: 'job a done', sample: job a done,
     metric: [{name: app_jobs_total, help: Jobs., labels: {job: a}}]}
  - {name: b, class: app, text: 'job b done', sample: job b done,
     metric: [{name: app_jobs_total, labels: {job: b}}]}
  - {name: c, class: app, text: 'job c done', sample: job c done,
     metric: [{name: app_jobs_total, help: Jobs., labels: {job: c}}]}
)");
  ASSERT_TRUE(loaded.errors.empty()) << loaded.errors.ToError().message;
  const Families families = Count(*loaded.catalogue, {"job a done", "job b done", "job c done"});
  for (const char* job : {"a", "b", "c"}) {
    EXPECT_EQ(Find(families, "app_jobs_total", "job", job)->counter.value, 1);
  }
}

TEST(UserEvents, ARowMayFeedABuiltInFamily) {
  const Loaded loaded(R"(events:
  - {name: own_slow, class: query, severity: LOG, text: 'slow {t:ms} ms', sample: slow 1 ms,
     metric: [{name: pg_log_session_duration_seconds, value: t_seconds}]}
)");
  EXPECT_TRUE(loaded.errors.empty()) << loaded.errors.ToError().message;
  EXPECT_THAT(loaded.UserRows(), ElementsAre("own_slow"));
}

TEST(UserEvents, AnExpressionMayBeginWithAnything) {
  const Loaded loaded(R"(events:
  - {name: long_lead, class: app, re2: 'checkout-(\d+) done', sample: checkout-17 done,
     fields: [{name: id, type: int}]}
  - {name: short_lead, class: app, re2: 'job \w+ done', sample: job x done}
  - {name: no_lead, class: app, re2: '(?i)(?:one|two) more', sample: TWO more}
)");
  ASSERT_TRUE(loaded.errors.empty()) << loaded.errors.ToError().message;
  EXPECT_EQ(loaded.Matched("checkout-4711 done."), "long_lead");
  EXPECT_EQ(loaded.Matched("checkout-x done"), "");
  EXPECT_EQ(loaded.Matched("job nightly done"), "short_lead");
  EXPECT_EQ(loaded.Matched("jo"), "");
  EXPECT_EQ(loaded.Matched("One more"), "no_lead");
  EXPECT_EQ(loaded.Matched("and one more"), "");
  EXPECT_EQ(loaded.Matched(""), "");
}

TEST(UserEvents, WinOverBuiltInRowsByTheLongerLiteral) {
  const Loaded loaded(R"(events:
  - {name: own_copy, class: app, text: 'duration: {d:ms} ms  statement: COPY', severity: LOG,
     sample: 'duration: 5 ms  statement: COPY t'}
)");
  ASSERT_TRUE(loaded.errors.empty()) << loaded.errors.ToError().message;
  EXPECT_EQ(loaded.Matched("duration: 7 ms  statement: COPY x"), "own_copy");
  EXPECT_NE(loaded.Matched("duration: 7 ms  statement: SELECT 1"), "own_copy");
}

std::string Row(const std::string& rest) { return "  - {name: a, class: c, " + rest + "}\n"; }

constexpr const char* kSmallCatalogue = R"(families:
  - {name: pg_log_lock_wait_seconds, type: histogram, help: h, labels: [mode], buckets: [1]}
events:
  - {name: temp_file, class: resource, text: 'temporary file: ', sample: 'temporary file: x'}
  - {name: query_duration, class: query, text: 'duration: {d:ms} ms', sample: 'duration: 1 ms'}
)";

TEST(UserEvents, MistakesAreToldWithLineAndColumn) {
  const struct {
    std::string rows;
    const char* told;
  } cases[] = {
      {Row("text: x y, sample: x y, colour: red"), "c.yml:2:49: unknown key 'colour'"},
      {Row("text: 'x {a:number}', sample: x"), "c.yml:2:25: 'x {a:number}': bad hole {a:number}"},
      {Row("re2: 'x+ (', sample: x"),
       "c.yml:2:25: bad regular expression: missing ): x+ ( (character 1)"},
      {Row("re2: 'ab**c', sample: x"), "bad repetition operator: ** (character 3)"},
      {Row("re2: 'a)|(b', sample: a"), "bad regular expression: unexpected )"},
      {Row("re2: 'x*', sample: x"), "c.yml:2:25: the regular expression matches the empty text"},
      {Row("re2: 'x (.)', sample: x y"), "the expression has 1 groups, but 0 fields are declared"},
      {Row("re2: 'x (.) (.)', sample: x y z, fields: [{name: n, type: word}, {name: n, type: "
           "word}]"),
       "two fields are named 'n'"},
      {Row("re2: 'x (.)', sample: x y, fields: [{name: N, type: word}]"), "'N' is no field name"},
      {Row("re2: 'x (.)', sample: x y, fields: [{name: n, type: number}]"),
       "unknown type 'number'; known are int"},
      {Row("re2: 'x (.+)', sample: x y, fields: [{name: n, type: int}]"),
       "no sample shows a number for the field 'n'"},
      {Row("text: job done, sample: job failed"),
       "c.yml:2:41: the row does not take its sample 'job failed'"},
      {Row("text: 'duration: ', sample: 'duration: 1.5 ms'"),
       "is taken by 'query_duration' (events.yml:5:5)"},
      {Row("text: x y, sample: x y, metric: [{name: app_total, labels: {a: '{b}'}, help: h}]"),
       "unknown field 'b'; the row has none"},
      {Row("text: x y, sample: x y, metric: [{name: app_total, labels: {a: 'x-{b}'}, help: h}]"),
       "a label's value is a constant or one '{field}'"},
      {Row("text: x y, sample: x y, metric: [{name: app_total}]"), "unknown family 'app_total'"},
      {Row("text: x y, sample: x y, metric: [{name: app_total, cap: 5}]"), "'help' is required"},
      {Row("text: x y, sample: x y, metric: [{name: app_s, type: histogram, help: h}]"),
       "'value' is required for app_s"},
      {Row("text: 'x {w:word}', sample: x y, metric: [{name: app_s, type: gauge, help: h, value: "
           "w}]"),
       "the field is no number"},
      {Row("text: x y, sample: x y, metric: [{name: app_s, buckets: [1], help: h}]"),
       "a histogram needs buckets, and nothing else has them"},
      {Row("text: x y, sample: x y, metric: [{name: pg_log_my_total, help: h}]"),
       "names that begin with pg_, pgbeacon_"},
      {Row("text: x y, sample: x y, metric: [{name: pg_log_lock_wait_seconds, type: counter, help: "
           "h}]"),
       "there is a family 'pg_log_lock_wait_seconds' already, a histogram with the labels"},
      {Row("text: x y, sample: x y, metric: [{name: app_total, help: h, labels: {le: x}}]"),
       "'le' cannot be a label here"},
      {"  - {name: temp_file, class: c, text: x y, sample: x y}\n",
       "c.yml:2:6: duplicate event 'temp_file', first given at events.yml:4:5"},
      {"  - {name: a, text: x y, sample: x y}\n", "'class' is required"},
  };
  for (const auto& test : cases) {
    const Loaded loaded("events:\n" + test.rows, kSmallCatalogue);
    ASSERT_FALSE(loaded.errors.empty()) << test.rows;
    EXPECT_THAT(loaded.errors.ToError().message, HasSubstr(test.told)) << test.rows;
    for (const std::string& message : loaded.errors.messages()) {
      EXPECT_TRUE(message.starts_with("c.yml:2:")) << message;
    }
    EXPECT_THAT(loaded.UserRows(), testing::Not(testing::Contains("b"))) << test.rows;
  }
}

TEST(UserEvents, AWrongRowIsLeftOutAndTheOthersServe) {
  const Loaded loaded(R"(events:
  - {name: bad_text, class: app, text: 'job {x:what}', sample: job 1}
  - {name: good, class: app, text: 'batch {n:int} done', sample: batch 5 done, severity: LOG}
  - {name: bad_sample, class: app, text: 'batch {n:int} failed', sample: batch five, born: true}
  - {name: bad_both, class: app, colour: red, text: '{', sample: x}
)");
  EXPECT_EQ(loaded.errors.messages().size(), 4U) << loaded.errors.ToError().message;
  EXPECT_EQ(loaded.Matched("batch 7 done"), "good");
  EXPECT_EQ(loaded.Matched("batch 7 failed"), "");
  EXPECT_EQ(loaded.Matched("temporary file: path \"x\", size 1"), "temp_file");
  EXPECT_EQ(Find(Count(*loaded.catalogue, {}), "pg_log_events_total", "event", "bad_sample"),
            nullptr);
}

TEST(UserEvents, ManyGroupsAreRefusedWithTheRemedy) {
  std::string regex = "x";
  for (int i = 0; i < 40; ++i) regex += "(.)";
  const Loaded loaded("events:\n" + Row("re2: '" + regex + "', sample: x"));
  EXPECT_THAT(loaded.errors.ToError().message, HasSubstr("has 40 groups, more than 32"));
}

}  // namespace
}  // namespace pgbeacon::log
