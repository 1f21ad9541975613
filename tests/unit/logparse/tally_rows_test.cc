// Rows: what a tally counted, as text that a restart or another catalogue reads back.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tally_random.h"
#include "tally_support.h"

namespace pgbeacon::log {
namespace {

const TallyOptions kAll = {.datname_limit = 3, .fingerprints = 4};

// The last value of each row, as a state keeps them.
using State = std::map<std::pair<std::string, std::string>, std::string>;

void Keep(const std::vector<TallyRow>& rows, State& state) {
  for (const TallyRow& row : rows) {
    if (row.value) {
      state[{row.server, row.key}] = *row.value;
    } else {
      state.erase({row.server, row.key});
    }
  }
}

std::vector<TallyRow> RowsOf(const State& state) {
  std::vector<TallyRow> rows;
  for (const auto& [key, value] : state) rows.push_back({key.first, key.second, value});
  return rows;
}

Tally Restored(const std::vector<TallyRow>& rows, const TallyOptions& options) {
  Tally tally(Builtin(), options);
  for (const TallyRow& row : rows) {
    EXPECT_TRUE(tally.Restore(row)) << row.server << " " << row.key << " " << *row.value;
  }
  return tally;
}

// A live tally with the one that is published, and the state that both come back from.
struct Pair {
  explicit Pair(const TallyOptions& options)
      : options(options), live(Builtin(), options), published(Builtin(), options) {}

  void Commit() {
    std::vector<TallyRow> rows;
    live.Changes(published, rows);
    for (const TallyRow& row : rows) {
      EXPECT_TRUE(published.Restore(row)) << row.server << " " << row.key;
    }
    Keep(rows, state);
  }

  /// What is not committed is lost; rows come in any order.
  void Crash(std::mt19937& random) {
    std::vector<TallyRow> rows = RowsOf(state);
    std::ranges::shuffle(rows, random);
    live = Restored(rows, options);
    published = Restored(rows, options);
  }

  TallyOptions options;
  Tally live, published;
  State state;
};

TEST(TallyRows, CarryAllThatWasCountedOverCrashes) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    std::mt19937 random(seed);
    RandomMessages messages(seed);
    Pair pair(kAll);
    Tally whole(Builtin(), kAll);  // never crashes
    double now = 1e9;
    for (int round = 0; round < 60; ++round) {
      for (unsigned i = 0; i < random() % 300; ++i) {
        const RandomMessages::Next next = messages.Take();
        Count(pair.live, next.message, next.server, now);
        Count(whole, next.message, next.server, now);
        now += 0.5;
      }
      pair.Commit();
      if (round % 10 == 9) {
        ASSERT_EQ(Page(pair.published, now), Page(whole, now)) << seed;
      }
      if (random() % 8 == 0) pair.Crash(random);
    }
    EXPECT_EQ(Page(pair.live, now), Page(whole, now));
    EXPECT_EQ(pair.live.Events().size(), whole.Events().size());
    const StatementTotals ours = pair.live.Statements();
    const StatementTotals theirs = whole.Statements();
    EXPECT_EQ(ours.rows.size(), theirs.rows.size());
    EXPECT_EQ(ours.all.max_seconds, theirs.all.max_seconds);
    EXPECT_EQ(ours.all.plan_bytes, theirs.all.plan_bytes);
    EXPECT_EQ(ours.other.calls, theirs.other.calls);
    EXPECT_TRUE(ours.plans_known && ours.temp_files_known);
  }
}

TEST(TallyRows, CarryStatementsThatWereGivenUp) {
  std::mt19937 random(3);
  Pair pair(kAll);
  Tally whole(Builtin(), kAll);
  std::size_t most_rows = 0;
  for (unsigned round = 0; round < 24; ++round) {
    for (unsigned i = 0; i < 1'500; ++i) {
      const std::string text = "duration: " + std::to_string(random() % 1000 * (round + 1)) +
                               " ms  statement: SELECT * FROM t" + std::to_string(random() % 20000);
      for (Tally* tally : {&pair.live, &whole}) Count(*tally, Line(Severity::kLog, text));
    }
    pair.Commit();
    if (round % 5 == 0) pair.Crash(random);
    ASSERT_EQ(Page(pair.published), Page(whole));
    most_rows = std::max(most_rows, pair.state.size());
  }
  EXPECT_GE(most_rows, StatementTable::kCandidates / 2);
  EXPECT_LE(most_rows, StatementTable::kCandidates + 50) << "what was given up stays in the state";
}

TEST(TallyRows, TellOnlyWhatChanged) {
  Pair pair({});
  const int db = pair.live.Server("db");
  pair.live.Server("idle");
  pair.Commit();
  EXPECT_EQ(RowsOf(pair.state).size(), 2U) << "born zeros need no rows";
  std::vector<TallyRow> rows;
  pair.live.Changes(pair.published, rows);
  EXPECT_TRUE(rows.empty());
  Count(pair.live, Line(Severity::kLog, "duration: 99.999 ms  statement: a"));
  pair.live.Changes(pair.published, rows);
  std::vector<std::string> texts;
  for (const TallyRow& row : rows) texts.push_back(row.server + " " + row.key + " " + *row.value);
  EXPECT_EQ(texts,
            (std::vector<std::string>{"db pg_log_messages_total{severity=\"LOG\"} 1",
                                      "db pg_log_events_total{event=\"query_duration\"} 1",
                                      "db pg_log_statement_duration_seconds{kind=\"statement\"} "
                                      "sum=0.099999 0.1=1"}));
  rows.clear();
  pair.live.CountLost(db, LostReason::kCountMismatch, 3);
  pair.live.Changes(pair.published, rows);
  ASSERT_EQ(rows.size(), 3U) << "the rows before were not applied";
  EXPECT_EQ(rows[2].key, "platform_log_lost_messages_total{reason=\"count_mismatch\"}");
  EXPECT_EQ(rows[2].value, "3");
}

TEST(TallyRows, HoldNoTextOfAStatement) {
  Pair pair({.fingerprints = 4, .keep_texts = true});
  Count(pair.live, Line(Severity::kLog, "duration: 9 ms  statement: SELECT secret FROM t"));
  pair.Commit();
  for (const TallyRow& row : RowsOf(pair.state)) {
    EXPECT_EQ((row.key + *row.value).find("secret"), std::string::npos) << row.key;
  }
}

TEST(TallyRows, KeepAdmittedDatabasesAndTheirOrderUnderALowerLimit) {
  Pair pair({.datname_limit = 3});
  for (const char* database : {"zoo", "app", "crm", "late"}) {
    Message message = Line(Severity::kLog, "nobody knows this");
    message.database = database;
    Count(pair.live, message);
  }
  pair.Commit();
  Tally fewer(Builtin(), {.datname_limit = 1});
  for (const TallyRow& row : RowsOf(pair.state)) fewer.Restore(row);
  const std::string messages = "pg_log_messages_total{server=db,datname=";
  EXPECT_EQ(Value(fewer, messages + "zoo,severity=LOG}"), 1) << "the first that came";
  EXPECT_EQ(Value(fewer, messages + "other,severity=LOG}"), 1);
  EXPECT_FALSE(Shows(fewer, messages + "app"));
  Tally none(Builtin(), {});
  for (const TallyRow& row : RowsOf(pair.state)) none.Restore(row);
  EXPECT_FALSE(Shows(none, messages));
}

TEST(TallyRows, ShowFewerStatementsWithoutLosingWhatTheyTook) {
  Pair many({.fingerprints = 6});
  const auto run = [](Tally& tally, unsigned i) {
    const std::string text = "duration: 500 ms  statement: SELECT * FROM t" + std::to_string(i);
    Count(tally, Line(Severity::kLog, text));
  };
  for (unsigned i = 0; i < 20; ++i) run(many.live, i);
  many.Commit();
  Pair few({.fingerprints = 2});
  few.state = many.state;
  std::mt19937 random(5);
  few.Crash(random);
  for (int restart = 0; restart < 3; ++restart) {
    run(few.live, 50);
    few.Commit();
    few.Crash(random);
    double calls = 0;
    std::size_t series = 0;
    for (const Family& family : few.published.Collect(0)) {
      if (family.name != "pg_log_fingerprint_statements_total") continue;
      series = family.metric.size();
      for (const ClientMetric& metric : family.metric) calls += metric.counter.value;
    }
    EXPECT_EQ(calls, 21 + restart);
    EXPECT_LE(series, 5U) << "two, as many that were, and other";
  }
}

Catalogue WithFamily(const std::string& family, const std::string& event = "took") {
  Result<Catalogue> catalogue = Catalogue::Load(
      "families:\n  - " + family + "\nevents:\n  - {name: " + event +
          ", class: c, severity: LOG, text: 'took {s:s} of {kind:word}', sample: 'took 1 of a', "
          "metric: [{name: f_total, value: s_seconds, labels: {kind: '{kind}'}}]}\n",
      "e.yml");
  EXPECT_TRUE(catalogue.ok()) << (catalogue.ok() ? "" : catalogue.error().message);
  return *std::move(catalogue);
}

void CountWith(const Catalogue& catalogue, Tally& tally, std::string_view text) {
  Event event;
  const Message message = Line(Severity::kLog, text);
  catalogue.Match(message, event);
  tally.Count(tally.Server("db"), message, event, 0);
}

std::vector<TallyRow> RowsWith(const Catalogue& catalogue, const std::vector<std::string>& texts) {
  Tally tally(catalogue, {});
  for (const std::string& text : texts) CountWith(catalogue, tally, text);
  std::vector<TallyRow> rows;
  tally.Changes(Tally(catalogue, {}), rows);
  return rows;
}

TEST(TallyRows, SurviveAHistogramWhoseBoundsChanged) {
  const Catalogue old =
      WithFamily("{name: f_total, type: histogram, help: h, labels: [kind], buckets: [1, 2, 5]}");
  const std::vector<TallyRow> rows =
      RowsWith(old, {"took 0.5 of x", "took 1.5 of x", "took 3 of x", "took 9 of x"});
  const struct {
    const char* buckets;
    const char* line;
  } cases[] = {
      {"[1, 2, 5]", "f_total{server=db,kind=x} count=4 sum=14 le1=1 le2=2 le5=3 le+Inf=4"},
      {"[1, 3, 4]", "f_total{server=db,kind=x} count=4 sum=14 le1=1 le3=2 le+Inf=4"},
      {"[0.1, 5]", "f_total{server=db,kind=x} count=4 sum=14 le5=3 le+Inf=4"},
      {"[0.5]", "f_total{server=db,kind=x} count=4 sum=14 le+Inf=4"},
  };
  for (const auto& c : cases) {
    const Catalogue changed = WithFamily(
        std::string("{name: f_total, type: histogram, help: h, labels: [kind], buckets: ") +
        c.buckets + "}");
    Tally tally(changed, {});
    for (const TallyRow& row : rows) EXPECT_TRUE(tally.Restore(row)) << row.key;
    EXPECT_TRUE(Shows(tally, c.line)) << c.buckets;
  }
}

TEST(TallyRows, OfAFamilyOrEventThatIsGoneHarmNothingElse) {
  const Catalogue old = WithFamily("{name: f_total, type: counter, help: h, labels: [kind]}");
  const std::vector<TallyRow> rows = RowsWith(old, {"took 0.5 of x", "took 1 of \"\\"});
  Tally builtin(Builtin(), {});
  std::vector<std::string> refused;
  for (const TallyRow& row : rows) {
    if (!builtin.Restore(row)) refused.push_back(row.key);
  }
  EXPECT_EQ(refused,
            (std::vector<std::string>{"pg_log_events_total{event=\"took\"}", "f_total{kind=\"x\"}",
                                      "f_total{kind=\"\\\"\\\\\"}"}));
  EXPECT_EQ(Value(builtin, "pg_log_messages_total{server=db,severity=LOG}"), 2);
  const Catalogue renamed =
      WithFamily("{name: f_total, type: counter, help: h, labels: [kind]}", "renamed");
  Tally kept(renamed, {});
  for (const TallyRow& row : rows) kept.Restore(row);
  EXPECT_EQ(Value(kept, "f_total{server=db,kind=x}"), 0.5);
  EXPECT_FALSE(Shows(kept, "pg_log_events_total"));
}

TEST(TallyRows, ObeyTheCapOfAFamilyInAnyOrder) {
  const std::string family = "{name: f_total, type: counter, help: h, labels: [kind], cap: ";
  const Catalogue wide = WithFamily(family + "5}");
  std::vector<std::string> texts;
  for (int i = 0; i < 20; ++i) texts.push_back("took 1 of k" + std::to_string(i));
  std::vector<TallyRow> rows = RowsWith(wide, texts);
  std::ranges::reverse(rows);  // "other" first
  Tally same(wide, {});
  for (const TallyRow& row : rows) EXPECT_TRUE(same.Restore(row)) << row.key;
  EXPECT_EQ(Value(same, "f_total{server=db,kind=k4}"), 1);
  EXPECT_EQ(Value(same, "f_total{server=db,kind=other}"), 15);
  CountWith(wide, same, "took 1 of new");
  EXPECT_EQ(Value(same, "f_total{server=db,kind=other}"), 16);
  const Catalogue narrow = WithFamily(family + "2}");
  Tally fewer(narrow, {});
  for (const TallyRow& row : rows) fewer.Restore(row);
  std::size_t series = 0;
  for (const std::string& line : Page(fewer)) series += line.starts_with("f_total") ? 1 : 0;
  EXPECT_EQ(series, 3U) << "two and other";
}

TEST(TallyRows, AreRefusedWhenMalformed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "1"},
      {"pg_log_messages_total", "1"},
      {"pg_log_messages_total{", "1"},
      {"pg_log_messages_total{severity=\"LOG\"", "1"},
      {"pg_log_messages_total{severity=\"LOG\"}x", "1"},
      {"pg_log_messages_total{severity=\"LOG\",}", "1"},
      {"pg_log_messages_total{severity=\"log\"}", "1"},
      {"pg_log_messages_total{severity=\"DEBUG1\"}", "1"},
      {"pg_log_messages_total{severity=\"LOG\\x\"}", "1"},
      {"pg_log_messages_total{severity=\"LOG\"}", ""},
      {"pg_log_messages_total{severity=\"LOG\"}", "-1"},
      {"pg_log_messages_total{severity=\"LOG\"}", "1.5"},
      {"pg_log_messages_total{severity=\"LOG\"}", "18446744073709551616"},
      {"pg_log_messages_total{datname=\"a\",datname=\"b\",severity=\"LOG\"}", "1"},
      {"pg_log_messages_total{datname=\"\",severity=\"LOG\"}", "1"},
      {"pg_log_messages_total{datname=\"\xff\",severity=\"LOG\"}", "1"},
      {"pg_log_errors_total{severity=\"LOG\",sqlstate=\"42P01\"}", "1"},
      {"pg_log_errors_total{severity=\"ERROR\",sqlstate=\"ZZZZZ\"}", "1"},
      {"pg_client_log_errors_total{datname=\"a\",severity=\"ERROR\",sqlstate=\"42P01\"}", "1"},
      {"pg_log_events_total{event=\"no such event\"}", "1"},
      {"pg_log_temporary_file_bytes", "1"},
      {"pg_log_temporary_file_bytes", "sum=1e5"},
      {"pg_log_temporary_file_bytes", "sum=1 sum=1"},
      {"pg_log_temporary_file_bytes", "sum=1 1048576=x"},
      {"pg_log_temporary_file_bytes", "sum=1 1048576=1 "},
      {"pg_log_checkpoint_longest_sync_seconds{kind=\"checkpoint\"}", "NaN"},
      {"pg_log_checkpoint_longest_sync_seconds{kind=\"checkpoint\"}", "1e300"},
      {"platform_log_lost_messages_total{reason=\"l10\"}", "1.0000000001"},
      {"platform_log_lost_messages_total{reason=\"l10\"}", "."},
      {"platform_log_lost_messages_total{datname=\"a\",reason=\"l10\"}", "1"},
      {"platform_log_lost_messages_total{reason=\"l10\"}",
       "123456789012345678901234567890123456789"},
      {"@server", "here"},
      {"@server{a=\"b\"}", "traffic"},
      {"@databases", ""},
      {"@databases", "\"a\",b"},
      {"@statement{fingerprint=\"0\"}", "seconds=1"},
      {"@statement{fingerprint=\"00000000000000AB\"}", "seconds=1"},
      {"@statement{fingerprint=\"00000000000000ab\"}", ""},
      {"@statement{fingerprint=\"00000000000000ab\"}", "seconds=1 shown_calls=1"},
      {"@statement{fingerprint=\"00000000000000ab\"}", "seconds=1 max_seconds=-1"},
      {"@statement{fingerprint=\"00000000000000ab\"}", "seconds=1 colour=1"},
      {"@statement{fingerprint=\"other\"}", "seconds=1"},
      {"@sample ", "1"},
      {"@unknown", "1"},
  };
  Tally tally(Builtin(), kAll);
  Count(tally, Line(Severity::kLog, "nobody knows this"));
  const std::vector<std::string> before = Page(tally);
  for (const auto& [key, value] : cases) {
    EXPECT_FALSE(tally.Restore({"db", key, value})) << key << " " << value;
    EXPECT_FALSE(tally.Restore({"new", key, value})) << key << " " << value;
    EXPECT_FALSE(tally.Restore({"db", "pg_log_messages_total{severity=\"LOG\"}", std::nullopt}));
  }
  EXPECT_FALSE(tally.Restore({"\xff", "@server", "traffic"}));
  EXPECT_FALSE(tally.Restore({std::string(10'000, 'x'), "@server", "traffic"}));
  EXPECT_EQ(Page(tally), before);
}

TEST(TallyRows, MayHoldAnyBytes) {
  std::mt19937 random(11);
  RandomMessages messages(11);
  Pair pair(kAll);
  for (int i = 0; i < 3'000; ++i) {
    const RandomMessages::Next next = messages.Take();
    Count(pair.live, next.message, next.server);
  }
  pair.Commit();
  const std::vector<TallyRow> rows = RowsOf(pair.state);
  Tally tally(Builtin(), kAll);
  const auto spoil = [&random](std::string& text) {
    const std::size_t at = text.empty() ? 0 : random() % text.size();
    switch (random() % 5) {
      case 0:
        text.resize(at);
        break;
      case 1:
        if (!text.empty()) text[at] = static_cast<char>(random());
        break;
      case 2:
        text.insert(at, 1,
                    "\"\\{},= \n\xff"
                    "9"[random() % 10]);
        break;
      case 3:
        text += text.substr(at);
        break;
      default:
        text.insert(at, std::string(random() % 40, static_cast<char>('0' + random() % 10)));
    }
  };
  unsigned refused = 0;
  for (int i = 0; i < 30'000; ++i) {
    TallyRow row = rows[random() % rows.size()];
    if (random() % 3 == 0) row.server = "s" + std::to_string(random() % 3);
    spoil(random() % 2 == 0 ? row.key : *row.value);
    if (random() % 20 == 0) row.value.reset();
    if (random() % 1000 == 0) {
      const std::vector<std::string> before = Page(tally);
      if (!tally.Restore(row)) {
        EXPECT_EQ(Page(tally), before) << row.key << " " << row.value.value_or("");
      }
    }
    refused += tally.Restore(row) ? 0 : 1;
    if (i % 10 == 0) {  // counting goes on whatever was restored
      const RandomMessages::Next next = messages.Take();
      Count(tally, next.message, next.server);
    }
  }
  EXPECT_GT(refused, 10'000U);
  for (const std::string& line : Page(tally)) ASSERT_TRUE(IsUtf8(line)) << line;
  std::vector<TallyRow> again;
  tally.Changes(Tally(Builtin(), kAll), again);
  for (const TallyRow& row : again) EXPECT_TRUE(Tally(Builtin(), kAll).Restore(row)) << row.key;
}

}  // namespace
}  // namespace pgbeacon::log
