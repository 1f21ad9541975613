// What users' functions print is never the event that it reads like.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/yaml.h"
#include "catalogue_support.h"
#include "logparse/events/catalogue.h"
#include "logparse/events/origin.h"

namespace pgbeacon::log {
namespace {

std::string Matched(const Catalogue& catalogue, const Message& message) {
  Event event;
  Event naive;
  catalogue.Match(message, event);
  catalogue.MatchNaively(message, naive);
  EXPECT_EQ(event.row, naive.row) << message.text;
  return event.row == nullptr ? "" : event.row->name;
}

TEST(Raise, IsKnownByTheInnermostFrameInEveryLanguage) {
  for (const std::string_view context : {
           "PL/pgSQL function f(integer) line 3 at RAISE",
           "PL/pgSQL function inline_code_block line 1 at RAISE",
           "PL/pgSQL function f() line 3 at ASSERT",
           "PL/pgSQL function f() line 3 at RAISE\nSQL statement \"SELECT f()\"\n"
           "PL/pgSQL function g() line 2 at PERFORM",
           "PL/pgSQL function \"two\nlines\"() line 3 at RAISE",
           "PL/pgSQL function \"x\"\" line 1 at SQL statement\nPL\"() line 3 at RAISE",
           "PL/pgSQL function \"\"\"q\"() line 3 at RAISE\nSQL statement \"SELECT 1\"",
           "PL/pgSQL-Funktion f() Zeile 3 bei RAISE",
           "fonction PL/pgSQL f(), ligne 3 \xC3\xA0 RAISE",
           "PL/pgSQL\xE9\x96\xA2\xE6\x95\xB0"
           "f()\xE3\x81\xAE"
           "3\xE8\xA1\x8C\xE7\x9B\xAE - RAISE",
           "PL/pgSQL \xED\x95\xA8\xEC\x88\x98 \"f()\" \xEC\x9D\x98 3\xEB\xB2\x88\xEC\xA7\xB8 RAISE",
           "PL/pgSQL \xED\x95\xA8\xEC\x88\x98 \"\"a\nb\"()\" \xEC\x9D\x98 3\xEB\xB2\x88 RAISE",
           "\xE5\x9C\xA8RAISE\xE7\x9A\x84\xE7\xAC\xAC"
           "3\xE8\xA1\x8C\xE7\x9A\x84PL/pgSQL\xE5\x87\xBD\xE6\x95\xB0"
           "f()",
           "f() PL/pgSQL fonksiyonu, 3. sat\xC4\xB1r, RAISE i\xC3\xA7inde",
           "PL/Perl function \"f\"",
           "PL/Perl anonymous code block",
           "PL/Python function \"f\"",
           "Traceback (most recent call last):\n  PL/Python function \"f\", line 2, in <module>\n"
           "    plpy.error('x')\nPL/Python function \"f\"",
           "x\n    while executing\n\"elog ERROR x\"\nin PL/Tcl function \"f\"",
       }) {
    EXPECT_TRUE(IsRaised(context)) << context;
  }
}

TEST(Raise, IsNoErrorThatTheServerFoundInAFunction) {
  for (const std::string_view context : {
           "",
           "PL/pgSQL function f() line 3 at SQL statement",
           "PL/pgSQL function \"RAISE\"() line 3 at EXECUTE",
           "PL/pgSQL function f(\"RAISE\") line 3 at assignment",
           "SQL statement \"SELECT 1/0\"\nPL/pgSQL function f() line 3 at RAISE",
           "SQL statement \"SELECT 1/0\"\nPL/Python function \"f\"",
           "COPY t, line 1, column c: \"RAISE\"",
           "while updating tuple (0,1) in relation \"t\"",
       }) {
    EXPECT_FALSE(IsRaised(context)) << context;
  }
}

TEST(Raise, CountsAsRaisedWhateverItsText) {
  Message message;
  message.severity = Severity::kLog;
  message.text = "temporary file: path \"base/pgsql_tmp/x\", size 1";
  EXPECT_EQ(Matched(Builtin(), message), "temp_file");
  message.context = "PL/pgSQL-Funktion inline_code_block Zeile 1 bei RAISE";
  EXPECT_EQ(Matched(Builtin(), message), "raise_message");
  message.sqlstate = "00000";
  EXPECT_EQ(Matched(Builtin(), message), "raise_message");
  message.severity = Severity::kError;
  message.text = "deadlock detected";
  message.sqlstate = "40P01";
  EXPECT_EQ(Matched(Builtin(), message), "raise_exception");
  message.context = "PL/Perl function \"f\"";
  EXPECT_EQ(Matched(Builtin(), message), "raise_exception");
}

TEST(Raise, LeavesUsersRowsTheirOwnMessages) {
  YamlErrors errors;
  YamlMap root = ReadYaml(
      "events:\n  - {name: sold, class: shop, severity: LOG, text: 'sold {n:int}', sample: sold "
      "3}\n",
      "pgbeacon.yml", errors);
  const Result<Catalogue> catalogue = Catalogue::Builtin(root.Maps("events"));
  ASSERT_TRUE(catalogue.ok()) << catalogue.error().message;
  Message message;
  message.severity = Severity::kLog;
  message.text = "sold 3";
  message.context = "PL/pgSQL function sell() line 9 at RAISE";
  EXPECT_EQ(Matched(*catalogue, message), "sold");
}

// log_error_verbosity = terse prints no CONTEXT, so only who speaks can tell.
TEST(Raise, OfASessionIsNoMessageOfAProcessWithoutOne) {
  constexpr const char* kRows =
      "sessionless: checkpoint\n"
      "events:\n"
      "  - {name: start, class: checkpoint, severity: LOG, text: 'checkpoint starting:', "
      "sample: 'checkpoint starting: time'}\n"
      "  - {name: temp, class: resource, severity: LOG, text: 'temporary file:', "
      "sample: 'temporary file: x'}\n";
  const Result<Catalogue> catalogue = Catalogue::Load(kRows, "e.yml");
  ASSERT_TRUE(catalogue.ok()) << catalogue.error().message;
  Message message;
  message.severity = Severity::kLog;
  message.text = "checkpoint starting: time";
  EXPECT_EQ(Matched(*catalogue, message), "start");
  message.user = "[unknown]";
  message.database = "[unknown]";
  EXPECT_EQ(Matched(*catalogue, message), "start");
  message.user = message.database = "[unbekannt]";
  EXPECT_EQ(Matched(*catalogue, message), "start");
  message.user = "mallory";
  message.database = "shop";
  EXPECT_EQ(Matched(*catalogue, message), "");
  message.user = message.database = "";
  message.statement = "DO $$BEGIN RAISE LOG 'checkpoint starting: time'; END$$";
  EXPECT_EQ(Matched(*catalogue, message), "");
  message.text = "temporary file: x";
  EXPECT_EQ(Matched(*catalogue, message), "temp");
}

}  // namespace
}  // namespace pgbeacon::log
