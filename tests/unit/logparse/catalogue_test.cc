#include "logparse/events/catalogue.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "catalogue_support.h"

namespace pgbeacon::log {
namespace {

std::string Name(const Event& event) { return event.row == nullptr ? "" : event.row->name; }

std::string Matched(const Message& message) {
  Event event;
  Builtin().Match(message, event);
  return Name(event);
}

Message Line(Severity severity, std::string_view text, Side side = Side::kServer) {
  Message message;
  message.severity = severity;
  message.side = side;
  message.text = text;
  return message;
}

Message SampleOf(const EventRow& row, const std::string& sample) {
  Message message = Line(Severity::kNone, sample, row.side);
  for (int i = 0; i < kSeverities && message.severity == Severity::kNone; ++i) {
    if ((row.severities >> i & 1) != 0) message.severity = static_cast<Severity>(i);
  }
  message.context = row.context;
  return message;
}

const FieldValue& Field(const Event& event, std::string_view name) {
  static const FieldValue kNone;
  for (std::size_t i = 0; i < event.fields.size(); ++i) {
    if (event.row->fields[i].name == name) return event.fields[i];
  }
  ADD_FAILURE() << "no field " << name;
  return kNone;
}

// Equality of all that two matchers say about one message.
void ExpectSame(const Message& message, Event& fast, Event& naive) {
  Builtin().Match(message, fast);
  Builtin().MatchNaively(message, naive);
  const std::string where = "side " + std::string(SideName(message.side)) + ", severity " +
                            std::string(SeverityName(message.severity)) + ", sqlstate '" +
                            std::string(message.sqlstate) + "': " + std::string(message.text);
  ASSERT_EQ(Name(fast), Name(naive)) << where;
  ASSERT_EQ(fast.fields.size(), naive.fields.size()) << where;
  for (std::size_t i = 0; i < fast.fields.size(); ++i) {
    const std::string field = fast.row->fields[i].name + " of " + where;
    ASSERT_EQ(fast.fields[i].present, naive.fields[i].present) << field;
    ASSERT_EQ(fast.fields[i].number, naive.fields[i].number) << field;
    ASSERT_EQ(fast.fields[i].text, naive.fields[i].text) << field;
    ASSERT_TRUE(fast.fields[i].text.empty() ||
                fast.fields[i].text.data() == naive.fields[i].text.data())
        << field;
  }
}

TEST(Catalogue, EveryRowWinsItsOwnSamplesAndNoOtherRowDoes) {
  Event fast;
  Event naive;
  for (const EventRow& row : Builtin().rows()) {
    for (const std::string& sample : row.samples) {
      const Message message = SampleOf(row, sample);
      ExpectSame(message, fast, naive);
      EXPECT_EQ(Name(fast), row.name) << row.where << ": " << sample;
    }
  }
}

TEST(Catalogue, EveryRowWinsItsOwnSamplesWhenTheSqlstateIsPrinted) {
  for (const EventRow& row : Builtin().rows()) {
    for (const std::string& code : row.sqlstates) {
      Message message = SampleOf(row, row.samples[0]);
      message.sqlstate = code;
      EXPECT_EQ(Matched(message), row.name) << row.where;
      EXPECT_TRUE(Builtin().KnownSqlstate(code)) << row.where << ": " << code;
    }
  }
}

TEST(Catalogue, EveryNumberOfTheSamplesIsTaken) {
  Event event;
  for (const EventRow& row : Builtin().rows()) {
    std::vector<bool> seen(row.fields.size());
    for (const std::string& sample : row.samples) {
      Builtin().Match(SampleOf(row, sample), event);
      for (std::size_t i = 0; i < event.fields.size(); ++i)
        seen[i] = seen[i] || event.fields[i].present;
    }
    for (std::size_t i = 0; i < seen.size(); ++i) {
      EXPECT_TRUE(seen[i] || !row.fields[i].number)
          << row.where << ": no sample shows " << row.fields[i].name;
    }
  }
}

// Messages near those that rows take: samples cut, spliced, with doubled blanks and changed bytes.
class RandomMessages {
 public:
  RandomMessages() {
    for (const EventRow& row : Builtin().rows()) {
      for (const std::string& sample : row.samples) seeds_.push_back(SampleOf(row, sample));
    }
  }

  Message Next() {
    Message message = seeds_[Below(seeds_.size())];
    text_ = message.text;
    const unsigned changes = Below(5);
    for (unsigned i = 0; i < changes; ++i) Change();
    message.text = text_;
    if (Below(4) != 0) return message;
    message.severity = static_cast<Severity>(Below(kSeverities + 1));
    message.side = static_cast<Side>(Below(kSides));
    constexpr std::array<std::string_view, 6> kCodes = {"",      "00000", "42P01",
                                                        "P0001", "42",    "57014"};
    message.sqlstate = kCodes[Below(kCodes.size())];
    message.context = Below(4) == 0 ? "PL/pgSQL function f() line 1 at RAISE" : "";
    return message;
  }

 private:
  unsigned Below(std::size_t limit) { return static_cast<unsigned>(random_() % limit); }
  std::string Seed() { return std::string(seeds_[Below(seeds_.size())].text); }

  void Change() {
    const std::size_t at = Below(text_.size() + 1);
    constexpr std::string_view kBytes = "  \"0123456789.-:;,()\n\t[]x\0\xff";
    switch (Below(6)) {
      case 0:
        text_.insert(at, 1, kBytes[Below(kBytes.size())]);
        break;
      case 1:
        text_.erase(at, 1 + Below(4));
        break;
      case 2:
        text_ = text_.substr(0, at) + Seed().substr(Below(10));
        break;
      case 3: {
        const std::size_t blank = text_.find(' ', at);
        if (blank != std::string::npos) text_.insert(blank, 1 + Below(3), ' ');
        break;
      }
      case 4:
        text_.insert(at, text_.substr(Below(text_.size() + 1), Below(20)));
        break;
      default:
        if (at < text_.size()) text_[at] = kBytes[Below(kBytes.size())];
    }
  }

  std::mt19937 random_{20240607};
  std::vector<Message> seeds_;
  std::string text_;
};

TEST(Catalogue, FastAndNaiveMatchersAgreeOnRandomMessages) {
  RandomMessages messages;
  Event fast;
  Event naive;
  int matched = 0;
  for (int i = 0; i < 60'000; ++i) {
    const Message message = messages.Next();
    ASSERT_NO_FATAL_FAILURE(ExpectSame(message, fast, naive));
    matched += fast.row != nullptr ? 1 : 0;
  }
  EXPECT_GT(matched, 15'000);
}

TEST(Catalogue, TakesTheSqlstateFirst) {
  Message message = Line(Severity::kError, "relation \"t\" does not exist");
  EXPECT_EQ(Matched(message), "undefined_table");
  message.sqlstate = "42P01";
  EXPECT_EQ(Matched(message), "undefined_table");
  message.sqlstate = "P0001";
  EXPECT_EQ(Matched(message), "raise_exception");
  message.sqlstate = "22012";
  EXPECT_EQ(Matched(message), "");
}

TEST(Catalogue, TellsRowsOfOneTextApartBySeverity) {
  EXPECT_EQ(Matched(Line(Severity::kFatal, "role \"app\" does not exist")), "auth_role_missing");
  EXPECT_EQ(Matched(Line(Severity::kError, "role \"app\" does not exist")),
            "undefined_object_type");
  EXPECT_EQ(Matched(Line(Severity::kNotice, "role \"app\" does not exist, skipping")), "");
}

TEST(Catalogue, TakesUnlabelledServerTextForLogRowsOnly) {
  EXPECT_EQ(Matched(Line(Severity::kNone, "temporary file: path \"x\", size 1")), "temp_file");
  EXPECT_EQ(Matched(Line(Severity::kNone, "deadlock detected")), "");
  EXPECT_EQ(Matched(Line(Severity::kNone, "deadlock detected", Side::kClient)), "deadlock");
}

TEST(Catalogue, KeepsPlatformAndClientRowsToTheirSides) {
  EXPECT_EQ(Matched(Line(Severity::kError, "SSL SYSCALL error: EOF detected")), "");
  EXPECT_EQ(Matched(Line(Severity::kError, "SSL SYSCALL error: EOF detected", Side::kClient)),
            "client_ssl_eof");
  EXPECT_EQ(Matched(Line(Severity::kLog, "Process exited with status 1")), "");
  EXPECT_EQ(Matched(Line(Severity::kNone, "deadlock detected", Side::kPlatform)), "");
}

TEST(Catalogue, KnowsRaisedMessagesByTheirContextOnly) {
  Message message = Line(Severity::kWarning, "anything");
  EXPECT_EQ(Matched(message), "");
  message.context = "PL/pgSQL function inline_code_block line 1 at RAISE";
  EXPECT_EQ(Matched(message), "raise_message");
}

TEST(Catalogue, GivesFieldsInBaseUnits) {
  Event event;
  Builtin().Match(Line(Severity::kLog, "duration: 63.697 ms statement: SELECT 1"), event);
  EXPECT_EQ(Field(event, "duration_seconds").number, 0.063697);
  Builtin().Match(Line(Severity::kLog, "temporary file: path \"base/p\"q\", size 1075741736"),
                  event);
  EXPECT_EQ(Field(event, "size_bytes").number, 1075741736);
  EXPECT_EQ(Field(event, "path").text, "base/p\"q");
  Builtin().Match(Line(Severity::kLog,
                       "disconnection: session time: 1:02:03.456 user=a database=b c host=[local]"),
                  event);
  EXPECT_EQ(Field(event, "session_seconds").number, 3723.456);
  EXPECT_EQ(Field(event, "database").text, "b c");
  EXPECT_FALSE(Field(event, "port").present);
}

TEST(Catalogue, ReadsTheReportOfAnAutovacuumWhateverItsOrderOfLines) {
  const std::string head = "automatic vacuum of table \"shop.public.orders\": index scans: 2\n";
  const std::string orders[] = {
      // 13
      "pages: 1 removed, 44 remain, 0 skipped due to pins, 12 skipped frozen\n"
      "tuples: 100 removed, 1000 remain, 7 are dead but not yet removable, oldest xmin: 745\n"
      "buffer usage: 133 hits, 2 misses, 44 dirtied\n"
      "avg read rate: 0.500 MB/s, avg write rate: 110.000 MB/s\n"
      "system usage: CPU: user: 0.12 s, system: 0.01 s, elapsed: 0.31 s\n"
      "WAL usage: 91 records, 1 full page images, 12345 bytes",
      // 18, and a line of a major to come
      "pages: 1 removed, 44 remain, 40 scanned (90.91% of total), 0 eagerly scanned\n"
      "tuples: 100 removed, 1000 remain, 7 are dead but not yet removable\n"
      "moons: 3 full, 4 new\n"
      "index \"orders_pkey\": pages: 5 in total, 9 newly deleted, 9 currently deleted, 9 reusable\n"
      "avg read rate: 0.500 MB/s, avg write rate: 110.000 MB/s\n"
      "buffer usage: 133 hits, 2 reads, 44 dirtied, 3 blessed\n"
      "WAL usage: 91 records, 1 full page images, 12345 bytes, 0 buffers full\n"
      "system usage: CPU: user: 0.12 s, system: 0.01 s, elapsed: 0.31 s",
  };
  Event event;
  for (const std::string& lines : orders) {
    const std::string text = head + lines;
    Builtin().Match(Line(Severity::kLog, text), event);
    ASSERT_EQ(Name(event), "autovacuum_completed") << text;
    const struct {
      const char* field;
      double number;
    } cases[] = {
        {"index_scans", 2},      {"pages_removed", 1}, {"pages_remain", 44},
        {"tuples_removed", 100}, {"tuples_dead", 7},   {"buffers_hit", 133},
        {"buffers_read", 2},     {"wal_bytes", 12345}, {"read_rate_bytes", 524288},
        {"buffers_dirtied", 44}, {"wal_records", 91},  {"elapsed_seconds", 0.31},
    };
    for (const auto& c : cases) EXPECT_EQ(Field(event, c.field).number, c.number) << c.field;
    EXPECT_EQ(Field(event, "table").text, "orders");
    EXPECT_FALSE(Field(event, "aggressive").present);
    EXPECT_FALSE(Field(event, "tuples_frozen").present);
  }
}

TEST(Catalogue, ReadsTheFiguresOfPgBouncersStatsLine) {
  Event event;
  Builtin().Match(Line(Severity::kLog,
                       "stats: 12 xacts/s, 34 queries/s, in 5678 B/s, out 91011 B/s, xact 2500 us, "
                       "query 800 us, wait 15 us",
                       Side::kPooler),
                  event);
  ASSERT_EQ(Name(event), "pgb_stats");
  EXPECT_EQ(Field(event, "transactions").number, 12);
  EXPECT_EQ(Field(event, "sent_bytes").number, 91011);
  EXPECT_EQ(Field(event, "transaction_seconds").number, 0.0025);
  EXPECT_FALSE(Field(event, "binds").present);
  EXPECT_EQ(Matched(Line(Severity::kLog, "taking connection from reserve_pool")), "");
}

TEST(Catalogue, AssumesSeverityAndSqlstateOnlyWhereTheRowLeavesNoChoice) {
  Event event;
  Message message = Line(Severity::kNone, "temporary file: path \"x\", size 1");
  Builtin().Match(message, event);
  EXPECT_EQ(SeverityOf(message, event), Severity::kLog);
  EXPECT_EQ(SqlstateOf(message, event), "00000");
  message = Line(Severity::kFatal, "terminating connection due to conflict with recovery");
  Builtin().Match(message, event);
  EXPECT_EQ(SqlstateOf(message, event), "");
  message.sqlstate = "57P04";
  EXPECT_EQ(SqlstateOf(message, event), "57P04");
}

TEST(Catalogue, KnowsTheSqlstatesOfAllMajors) {
  for (const char* code : {"00000", "42P01", "57P05", "25P04", "XX002"})
    EXPECT_TRUE(Builtin().KnownSqlstate(code)) << code;
  for (const char* code : {"", "42", "ZZ999", "42p01", "42P011"})
    EXPECT_FALSE(Builtin().KnownSqlstate(code)) << code;
}

constexpr const char* kUserRow = R"(events:
  - name: job_done
    class: app
    severity: LOG
    re2: 'job (\w+) took (\d+) ms'
    fields: [{name: job, type: word}, {name: took, type: ms}]
    sample: 'job nightly took 1500 ms'
)";

TEST(Catalogue, LoadsUsersRowsWithRe2) {
  YamlErrors errors;
  YamlMap root = ReadYaml(kUserRow, "pgbeacon.yml", errors);
  const Result<Catalogue> catalogue = Catalogue::Builtin(root.Maps("events"));
  ASSERT_TRUE(catalogue.ok()) << catalogue.error().message;
  Event event;
  for (const bool naive : {false, true}) {
    const Message message = Line(Severity::kLog, "job nightly took 1500 ms");
    naive ? catalogue->MatchNaively(message, event) : catalogue->Match(message, event);
    ASSERT_EQ(Name(event), "job_done");
    EXPECT_EQ(Field(event, "job").text, "nightly");
    EXPECT_EQ(Field(event, "took_seconds").number, 1.5);
  }
  catalogue->Match(Line(Severity::kLog, "the job nightly took 1500 ms"), event);
  EXPECT_EQ(Name(event), "");
}

TEST(Catalogue, NamesFileAndLineOfEveryMistake) {
  const std::string head =
      "families:\n"
      "  - {name: f, type: counter, help: h, labels: [kind]}\n"
      "events:\n";
  const auto row = [](const std::string& rest) {
    return "  - name: a\n    class: c\n    sample: s\n" + rest;
  };
  const struct {
    std::string rows;
    const char* error;
  } cases[] = {
      {row("    text: x\n    colour: red\n"), "e.yml:8:5: unknown key 'colour'"},
      {row("    text: x\n") + row("    text: y\n"), "e.yml:8:5: duplicate event 'a'"},
      {"  - name: other\n    class: c\n    text: x\n    sample: x\n",
       "'other' is what has no event of its own"},
      {row("    text: 'x {a:number}'\n"),
       "e.yml:7:5: 'x {a:number}': bad hole {a:number}: unknown type 'number'"},
      {row("    re2: 'x ('\n"), "e.yml:7:5: bad regular expression: missing )"},
      {row("    re2: 'x (.)'\n"), "the expression has 1 groups, but 0 fields are declared"},
      {row("    text: x\n    metric: [{name: g}]\n"), "e.yml:8:15: unknown family 'g'"},
      {row("    text: x\n    metric: [{name: f, labels: {king: a}}]\n"),
       "unknown label 'king' of f; it has kind"},
      {row("    text: x\n    metric: [{name: f}]\n"), "label 'kind' of f is missing"},
      {row("    text: x\n    metric: [{name: f, labels: {kind: '{b}'}}]\n"), "unknown field 'b'"},
      {row("    text: x\n    metric: [{name: f, value: b, labels: {kind: a}}]\n"),
       "unknown field 'b'; the row has none"},
      {row("    text: 'x {b:word}'\n    metric: [{name: f, value: b, labels: {kind: a}}]\n"),
       "the field is no number"},
      {row("    text: x\n    severity: BAD\n"), "e.yml:8:5: 'BAD' is no severity"},
      {row("    text: x\n    sqlstate: abc\n"), "'abc' is neither an SQLSTATE nor a class"},
      {row("    text: x\n    side: both\n"), "expected one of server, client, platform"},
      {row("    text: x\n    versions: soon\n"), "expected a range such as"},
      {row(""), "a row needs `text` or `re2`"},
      {row("    catch_all: true\n"), "a catch_all row needs `sqlstate` or `context`"},
      {"  - {name: a, class: c, text: x}\n", "'sample' is required"},
      {"  - {class: c, text: x, sample: x}\n", "e.yml:4:5: 'name' is required"},
  };
  for (const auto& c : cases) {
    const Result<Catalogue> catalogue = Catalogue::Load(head + c.rows, "e.yml");
    ASSERT_FALSE(catalogue.ok()) << c.rows;
    EXPECT_NE(catalogue.error().message.find(c.error), std::string::npos)
        << c.rows << "\n"
        << catalogue.error().message;
    EXPECT_TRUE(catalogue.error().message.starts_with("e.yml:")) << catalogue.error().message;
  }
}

TEST(Catalogue, NamesMistakesOfFamilies) {
  const struct {
    const char* family;
    const char* error;
  } cases[] = {
      {"{name: f, type: histogram, help: h}", "a histogram needs buckets"},
      {"{name: f, type: counter, help: h, buckets: [1]}", "a histogram needs buckets"},
      {"{name: f, type: histogram, help: h, buckets: [2, 1]}", "buckets must ascend"},
      {"{name: 9f, type: counter, help: h}", "'9f' is no metric name"},
      {"{name: f, type: counter, help: h, labels: [server]}", "'server' cannot be a label here"},
      {"{name: f, type: counter, help: h, labels: [a, b], born: [x]}",
       "does not give one value per label"},
      {"{name: f, type: sum, help: h}", "expected one of counter, gauge, histogram"},
  };
  for (const auto& c : cases) {
    const Result<Catalogue> catalogue =
        Catalogue::Load(std::string("families:\n  - ") + c.family + "\n", "e.yml");
    ASSERT_FALSE(catalogue.ok()) << c.family;
    EXPECT_NE(catalogue.error().message.find(c.error), std::string::npos)
        << catalogue.error().message;
  }
}

}  // namespace
}  // namespace pgbeacon::log
