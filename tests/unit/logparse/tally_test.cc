#include "logparse/tally.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "logparse/fingerprint.h"
#include "tally_support.h"

namespace pgbeacon::log {
namespace {

std::vector<std::string> ReadLines(const std::string& name) {
  std::ifstream file(std::string(PGB_SOURCE_DIR "/tests/golden/") + name);
  std::vector<std::string> out;
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

// Every sample of the catalogue once.
void CountAllSamples(Tally& tally) {
  for (const EventRow& row : Builtin().rows()) {
    for (const std::string& sample : row.samples) {
      Message message = Line(Severity::kNone, sample, row.side);
      for (int i = 0; i < kSeverities && message.severity == Severity::kNone; ++i) {
        if ((row.severities >> i & 1) != 0) message.severity = static_cast<Severity>(i);
      }
      message.context = row.context;
      Count(tally, message);
    }
  }
}

TEST(Tally, GivesThePinnedPageForOneOfEachEvent) {
  Tally tally(Builtin(), {});
  CountAllSamples(tally);
  const std::vector<std::string> page = Page(tally);
  const char* update = std::getenv("PGB_UPDATE_GOLDEN");
  if (update != nullptr) {
    std::ofstream file(PGB_SOURCE_DIR "/tests/golden/log_events.txt");
    for (const std::string& line : page) file << line << "\n";
  }
  EXPECT_EQ(page, ReadLines("log_events.txt"));
}

TEST(Tally, FeedsEverySeriesThatIsBorn) {
  Tally tally(Builtin(), {});
  tally.Server("db");
  std::map<std::string, std::string> born;
  for (const std::string& line : Page(tally)) born[line.substr(0, line.rfind(' '))] = line;
  CountAllSamples(tally);
  for (const std::string& line : Page(tally)) {
    const auto at = born.find(line.substr(0, line.rfind(' ')));
    if (at != born.end() && at->second == line && !line.starts_with("pg_log_errors_total") &&
        !line.starts_with("pg_log_messages_total") && !line.starts_with("pg_log_long_statement") &&
        !line.starts_with("pgbeacon_log_live_messages_total") &&
        line.find("reason=count_mismatch") == std::string::npos) {  // told by no line
      ADD_FAILURE() << "no row feeds " << line;
    }
  }
}

TEST(Tally, ShowsBornSeriesAtZeroAndNoOthers) {
  Tally tally(Builtin(), {});
  tally.Server("db");
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,severity=PANIC}"), 0);
  EXPECT_EQ(Value(tally, "pg_log_errors_total{server=db,severity=FATAL,sqlstate=53300}"), 0);
  EXPECT_EQ(Value(tally, "pg_log_errors_total{server=db,severity=ERROR,sqlstate=57014}"), 0);
  EXPECT_EQ(
      Value(tally,
            "pg_log_events_total{server=db,event=standby_stream_interrupted,class=replication}"),
      0);
  EXPECT_EQ(Value(tally, "pg_log_connections_refused_total{server=db,reason=reserved}"), 0);
  EXPECT_EQ(Value(tally, "pg_log_long_statements_total{server=db}"), 0);
  EXPECT_EQ(Value(tally, "pg_log_long_statement_threshold_seconds{}"), 2);
  for (const char* absent : {"pg_log_statement_duration", "pg_client_log", "platform_log_events",
                             "pg_log_own", "pg_sample", "pgbouncer_log", "pg_log_fingerprint"}) {
    EXPECT_FALSE(Shows(tally, absent)) << absent;
  }
}

TEST(Tally, CountsAnErrorBySeverityAndSqlstate) {
  Tally tally(Builtin(), {});
  Message message = Line(Severity::kError, "relation \"t\" does not exist");
  Count(tally, message);  // the row knows its SQLSTATE
  message.sqlstate = "42P01";
  Count(tally, message);
  Count(tally, Line(Severity::kError, "nobody knows this"));
  message = Line(Severity::kError, "nobody knows this");
  message.sqlstate = "MY001";
  Count(tally, message);
  message.severity = Severity::kLog;
  Count(tally, message);
  EXPECT_EQ(Value(tally, "pg_log_errors_total{server=db,severity=ERROR,sqlstate=42P01}"), 2);
  EXPECT_EQ(Value(tally, "pg_log_errors_total{server=db,severity=ERROR,sqlstate=unknown}"), 1);
  EXPECT_EQ(Value(tally, "pg_log_errors_total{server=db,severity=ERROR,sqlstate=other}"), 1);
  EXPECT_EQ(Value(tally, "pg_log_events_total{server=db,event=other,class=other}"), 3);
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,severity=ERROR}"), 4);
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,severity=LOG}"), 1);
  EXPECT_FALSE(Shows(tally, "pg_log_errors_total{server=db,severity=LOG"));
}

TEST(Tally, KeepsClientAndPlatformLinesOutOfTheServersFamilies) {
  Tally tally(Builtin(), {});
  tally.Server("db");
  const std::vector<std::string> before = Page(tally);
  Count(tally, Line(Severity::kError, "relation \"t\" does not exist", Side::kClient));
  Count(tally, Line(Severity::kError, "SSL SYSCALL error: EOF detected", Side::kClient));
  Count(tally, Line(Severity::kLog, "duration: 5000 ms  statement: SELECT 1", Side::kClient));
  Count(tally, Line(Severity::kNone, "at=error code=H13 desc=\"\"", Side::kPlatform));
  std::vector<std::string> expected = before;
  for (const char* line :
       {"pg_client_log_errors_total{server=db,severity=ERROR,sqlstate=42P01} 1",
        "pg_client_log_errors_total{server=db,severity=ERROR,sqlstate=unknown} 1",
        "platform_log_events_total{server=db,event=router_error,code=H13} 1"}) {
    expected.emplace_back(line);
  }
  std::vector<std::string> after = Page(tally);
  std::ranges::sort(expected);
  std::ranges::sort(after);
  EXPECT_EQ(after, expected);
}

TEST(Tally, CountsOwnRecordsApart) {
  Tally tally(Builtin(), {});
  Message message = Line(Severity::kError, "canceling statement due to statement timeout");
  message.application = "pgbeacon";
  Count(tally, message);
  EXPECT_EQ(Value(tally, "pg_log_own_messages_total{server=db,severity=ERROR}"), 1);
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,severity=ERROR}"), 0);
  EXPECT_EQ(Value(tally, "pg_log_errors_total{server=db,severity=ERROR,sqlstate=57014}"), 0);
  EXPECT_FALSE(Shows(tally, "pg_log_events_total{server=db,event=statement_timeout"));
}

TEST(Tally, CountsUnlabelledTextUnderItsRowsSeverity) {
  Tally tally(Builtin(), {});
  Count(tally, Line(Severity::kNone, "temporary file: path \"x\", size 5"));
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,severity=LOG}"), 1);
  EXPECT_EQ(Value(tally, "pg_log_events_total{server=db,event=temp_file,class=resource}"), 1);
}

TEST(Tally, CountsRaisedMessagesAsNoKnownEvent) {
  Tally tally(Builtin(), {});
  Message message = Line(Severity::kError, "no stock left");
  message.sqlstate = "P0001";
  Count(tally, message);
  EXPECT_EQ(Value(tally, "pg_log_errors_total{server=db,severity=ERROR,sqlstate=P0001}"), 1);
  EXPECT_EQ(Value(tally, "pg_log_events_total{server=db,event=other,class=other}"), 1);
}

TEST(Tally, ObservesDurationsAndLongStatements) {
  Tally tally(Builtin(), {.long_statement_seconds = 0.1});
  for (const char* text : {"duration: 1.000 ms  statement: a", "duration: 99.999 ms  statement: a",
                           "duration: 100.000 ms  statement: a"}) {
    Count(tally, Line(Severity::kLog, text));
  }
  Count(tally, Line(Severity::kLog, "duration: 900 ms  parse <unnamed>: a"));
  EXPECT_EQ(Value(tally, "pg_log_long_statements_total{server=db}"), 1);
  EXPECT_TRUE(Shows(tally,
                    "pg_log_statement_duration_seconds{server=db,kind=statement} count=3 "
                    "sum=0.200999 le0.001=1 le0.1=3"));
  EXPECT_EQ(Value(tally, "pg_log_long_statement_threshold_seconds{}"), 0.1);
}

TEST(Tally, CapsLabelValuesThatMessagesChoose) {
  Tally tally(Builtin(), {});
  for (int i = 0; i < 1000; ++i) {
    const std::string text = "at=error code=H" + std::to_string(i) + " desc";
    Count(tally, Line(Severity::kNone, text, Side::kPlatform));
  }
  std::size_t series = 0;
  for (const std::string& line : Page(tally))
    series += line.starts_with("platform_log_events_total") ? 1 : 0;
  EXPECT_EQ(series, 201U);
  EXPECT_EQ(Value(tally, "platform_log_events_total{server=db,event=router_error,code=other}"),
            800);
  Count(tally, Line(Severity::kNone, "at=error code=H5 desc", Side::kPlatform));
  EXPECT_EQ(Value(tally, "platform_log_events_total{server=db,event=router_error,code=H5}"), 2);
}

TEST(Tally, MakesLabelValuesFitForAPage) {
  Tally tally(Builtin(), {});
  const std::string text =
      "at=error code=" + std::string("\xff\x01") + std::string(500, 'x') + " desc";
  Count(tally, Line(Severity::kNone, text, Side::kPlatform));
  Count(tally, Line(Severity::kNone, text, Side::kPlatform));
  for (const std::string& line : Page(tally)) {
    EXPECT_TRUE(IsUtf8(line));
    EXPECT_LT(line.size(), 200U);
  }
}

TEST(Tally, TakesSamplesFromAddOnsOnly) {
  Tally tally(Builtin(), {});
  Message message =
      Line(Severity::kNone, "source=DATABASE addon=pg-1 sample#tables=38", Side::kPlatform);
  message.source = "app";
  message.process = "web.1";
  Count(tally, message);
  EXPECT_FALSE(Shows(tally, "pg_sample"));
  message.process = "heroku-postgres";
  Count(tally, message);
  EXPECT_EQ(Value(tally, "pg_sample_tables{server=db,source=DATABASE,addon=pg-1}"), 38);
  message.side = Side::kServer;
  Count(tally, message, "other");
  EXPECT_FALSE(Shows(tally, "pg_sample_tables{server=other"));
}

TEST(Tally, AddsUpFingerprintsToTheDurationsOfStatements) {
  Tally tally(Builtin(), {.fingerprints = 1, .keep_texts = true});
  for (const char* text :
       {"duration: 1000 ms  statement: SELECT * FROM t\n\tWHERE a = 1;",
        "duration: 500 ms  execute S_1: select * from t where a = $1",
        "duration: 500 ms  execute fetch from S_1/C_2: select * from t where a = $1",
        "duration: 250 ms  parse S_1: select * from t where a = $1",
        "duration: 250 ms  bind S_1: select * from t where a = $1",
        "duration: 125 ms  statement: SELECT 'a: b'", "duration: 125 ms",
        "duration: 250 ms  fastpath function call: \"lo_open\" (OID 952)", "statement: SELECT 5"}) {
    Count(tally, Line(Severity::kLog, text));
  }
  Count(tally, Line(Severity::kLog, "duration: 9 ms  statement: SELECT 1", Side::kClient));
  const StatementTotals totals = tally.Statements();
  EXPECT_EQ(totals.all.calls, 6U);
  EXPECT_EQ(totals.all.seconds.value(), 3);
  ASSERT_EQ(totals.rows.size(), 2U);
  const std::size_t first = totals.rows[0].calls == 3 ? 0 : 1;
  EXPECT_EQ(totals.rows[first].text, "select * from t where a = ?");
  EXPECT_EQ(totals.rows[first].seconds.value(), 2.5);
  EXPECT_EQ(totals.rows[first].max_seconds, 1);
  EXPECT_EQ(totals.rows[1 - first].text, "select ?");
  const std::string name = FingerprintName(totals.rows[first].fingerprint);
  EXPECT_EQ(Value(tally, "pg_log_fingerprint_seconds_total{server=db,fingerprint=" + name + "}"),
            2.5);
  EXPECT_EQ(Value(tally, "pg_log_fingerprint_seconds_total{server=db,fingerprint=other}"), 0.5);
  EXPECT_EQ(Value(tally, "pg_log_fingerprint_statements_total{server=db,fingerprint=other}"), 3);
  for (const std::string& line : Page(tally)) EXPECT_EQ(line.find("select"), std::string::npos);
}

TEST(Tally, TellsWhatStatementsReadAndWrote) {
  Tally tally(Builtin(), {.fingerprints = 5});
  Message file = Line(Severity::kLog, "temporary file: path \"x\", size 1000");
  Count(tally, file);
  EXPECT_FALSE(tally.Statements().temp_files_known) << "no statement was told";
  file.statement = "SELECT a FROM t ORDER BY 1;";
  Count(tally, file);
  Count(tally, Line(Severity::kLog,
                    "duration: 5 ms  plan:\nQuery Text: select a from t order by 1;\n"
                    "Sort  (cost=1.00..2.00 rows=3 width=4)\n  Buffers: shared read=2"));
  const StatementTotals totals = tally.Statements();
  ASSERT_EQ(totals.rows.size(), 1U);
  EXPECT_EQ(totals.rows[0].temp_file_bytes, 1000U);
  EXPECT_EQ(totals.rows[0].plan_bytes, 16384U);
  EXPECT_EQ(totals.rows[0].text, "");
  EXPECT_TRUE(totals.temp_files_known && totals.plans_known);
  EXPECT_EQ(totals.all.calls, 0U);
}

TEST(Tally, HasNoFingerprintsUnlessAsked) {
  Tally tally(Builtin(), {});
  Count(tally, Line(Severity::kLog, "duration: 1000 ms  statement: SELECT 1"));
  EXPECT_FALSE(Shows(tally, "pg_log_fingerprint"));
  EXPECT_TRUE(tally.Statements().rows.empty());
}

TEST(Tally, CountsPoolerLinesApart) {
  Tally tally(Builtin(), {.datname_limit = 1});
  tally.Server("db");
  const std::vector<std::string> before = Page(tally);
  Message message = Line(Severity::kLog, "nobody knows this", Side::kPooler);
  message.database = "app";
  Count(tally, message);
  EXPECT_EQ(Value(tally, "pgbouncer_log_events_total{server=db,event=other}"), 1);
  EXPECT_EQ(Page(tally).size(), before.size() + 1);
}

TEST(Tally, DatesASampleByItsLineWhereArrivalIsUnknown) {
  Tally tally(Builtin(), {});
  Message message = Line(Severity::kNone, "source=A addon=pg-1 sample#tables=38", Side::kPlatform);
  message.source = "app";
  message.process = "heroku-postgres";
  message.time = "2022-08-25T12:00:00.000000+00:00";
  Count(tally, message, "db", 0);
  EXPECT_EQ(Value(tally, "pg_sample_last_timestamp_seconds{server=db,source=A,addon=pg-1}"),
            1661428800);
}

TEST(Tally, MergesToExactlyWhatOneTallyWouldHaveCounted) {
  std::mt19937 random(7);
  std::vector<Message> messages;
  std::vector<std::string> texts;
  texts.reserve(20'000);
  for (int i = 0; i < 20'000; ++i) {
    const std::string number =
        std::to_string(random() % 100000) + "." + std::to_string(random() % 1000);
    switch (random() % 4) {
      case 0:
        texts.push_back("process 1 acquired Mode" + std::to_string(random() % 8) + " on x after " +
                        number + " ms");
        break;
      case 1:
        texts.push_back("temporary file: path \"x\", size " + std::to_string(random()));
        break;
      default:
        texts.push_back("duration: " + number + " ms  statement: a");
    }
    messages.push_back(Line(Severity::kLog, texts.back()));
  }
  Tally whole(Builtin(), {});
  std::vector<Tally> parts;
  for (int i = 0; i < 3; ++i) parts.emplace_back(Builtin(), TallyOptions());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string server = "s" + std::to_string(i % 2);
    Count(whole, messages[i], server);
    Count(parts[random() % 3], messages[i], server);
  }
  Tally merged(Builtin(), {});
  for (const Tally& part : parts) merged.Merge(part);
  EXPECT_EQ(Page(merged), Page(whole));
  ASSERT_EQ(merged.Events().size(), whole.Events().size());
  EXPECT_EQ(merged.Events()[0].event, "query_duration");
  EXPECT_EQ(merged.Events()[0].count, whole.Events()[0].count);
}

}  // namespace
}  // namespace pgbeacon::log
