// What a client cannot do: names, queries and RAISE texts that look like lines of the log change no
// count but their own, whether the prefix is told or found out.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/forms/text.h"

namespace pgbeacon::log {
namespace {

using Counts = std::map<std::string, int>;

// A prefix, and the heads that a server prints with it.
struct Layout {
  std::string_view prefix;
  // {p} pid, {u} user, {d} database, {a} application; background processes print `ground`.
  std::string_view head;
  std::string_view ground;
};

const Layout kLayouts[] = {
    {"%m [%p] ", "2026-11-20 20:14:23.488 UTC [{p}] ", "2026-11-20 20:14:23.488 UTC [{p}] "},
    {"%m [%p] %q%u@%d ", "2026-11-20 20:14:23.488 UTC [{p}] {u}@{d} ",
     "2026-11-20 20:14:23.488 UTC [{p}] "},
    {"%t [%p]: user=%u,db=%d,app=%a,client=%h ",
     "2026-11-20 20:14:23 UTC [{p}]: user={u},db={d},app={a},client=[local] ",
     "2026-11-20 20:14:23 UTC [{p}]: user=,db=,app=,client= "},
    {"%t:%r:%u@%d:[%p]:", "2026-11-20 20:14:23 UTC:10.0.0.1(5123):{u}@{d}:[{p}]:",
     "2026-11-20 20:14:23 UTC::@:[{p}]:"},
};

std::string Replace(std::string_view text, std::string_view mark, std::string_view value) {
  std::string out(text);
  const std::size_t pos = out.find(mark);
  if (pos != std::string::npos) out.replace(pos, mark.size(), value);
  return out;
}

struct Session {
  std::string_view pid, user, database, application = "psql";
};

std::string Head(const Layout& layout, const Session& s) {
  std::string head = Replace(layout.head, "{p}", s.pid);
  head = Replace(head, "{d}", s.database);
  head = Replace(head, "{a}", s.application);
  return Replace(head, "{u}", s.user);
}

// As the server prints a text of several lines.
std::string Tabbed(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '\n' ? "\n\t" : std::string(1, c));
  return out;
}

std::string Honest(const Layout& layout, int lines) {
  std::string out;
  for (int i = 0; i < lines; ++i) {
    out += Head(layout, {"40", "bob", "shop"}) + "LOG:  statement: select " + std::to_string(i) +
           " from accounts where name = 'somebody else'\n";
    out += Replace(layout.ground, "{p}", "3") + "LOG:  checkpoint starting: time\n";
  }
  return out;
}

Counts Read(std::string_view log, ReaderOptions options) {
  Counts counts;
  TextForm form(std::move(options), [&](const Message& m) {
    ++counts[std::string(SeverityName(m.severity)) + (m.side == Side::kServer ? "" : " other")];
  });
  form.Push(log);
  form.Flush(true);
  return counts;
}

// Reads `attack` between honest lines, the prefix told and found out; honest LOG lines are left
// out.
void ExpectCounts(const Layout& layout, const std::string& attack, const Counts& expected,
                  std::string_view name) {
  constexpr int kLines = 20;
  const std::string log = Honest(layout, kLines) + attack + Honest(layout, kLines);
  for (const bool told : {true, false}) {
    ReaderOptions options;
    if (told) options.prefix = layout.prefix;
    Counts counts = Read(log, options);
    EXPECT_EQ(counts["LOG"], 4 * kLines + (expected.contains("LOG") ? expected.at("LOG") : 0))
        << name << " in " << layout.prefix << " told " << told;
    counts.erase("LOG");
    Counts others = expected;
    others.erase("LOG");
    EXPECT_EQ(counts, others) << name << " in " << layout.prefix << " told " << told << "\n"
                              << attack;
  }
}

std::string ForgedLine(const Layout& layout) {
  return Replace(layout.ground, "{p}", "1") + "PANIC:  forged";
}

// The server refuses a name and repeats it.
std::string Refusal(const Layout& layout, std::string_view user, std::string_view database) {
  const bool of_user = database == "shop";
  return Head(layout, {"77", user, database, "[unknown]"}) +
         "FATAL:  " + (of_user ? "role" : "database") + " \"" + Tabbed(of_user ? user : database) +
         "\" does not exist\n";
}

class Attacks : public testing::TestWithParam<Layout> {};

INSTANTIATE_TEST_SUITE_P(All, Attacks, testing::ValuesIn(kLayouts),
                         [](const auto& info) { return "Layout" + std::to_string(info.index); });

TEST_P(Attacks, InQueriesStayQueries) {
  const Layout& layout = GetParam();
  const std::string head = Head(layout, {"50", "eve", "shop"});
  const std::string query = "select '\n" + ForgedLine(layout) + "\nPANIC:  forged\n" +
                            Head(layout, {"1", "a", "b"}) + "PANIC:  forged\n'";
  ExpectCounts(layout,
               head + "ERROR:  no\n" + head + "STATEMENT:  " + Tabbed(query) + "\n" + head +
                   "LOG:  duration: 1.000 ms  statement: " + Tabbed(query) + "\n",
               {{"ERROR", 1}, {"LOG", 1}}, "query");
}

TEST_P(Attacks, InRaisedTextsStayTexts) {
  const Layout& layout = GetParam();
  const std::string head = Head(layout, {"50", "eve", "shop"});
  const std::string forged = ForgedLine(layout);
  for (const std::string& text : std::vector<std::string>{
           "PANIC:  forged", "x\n" + forged, forged + "\n" + forged, "x\nPANIC:  forged",
           "x@y PANIC:  forged", "x,db=y,app=z,client=[local] PANIC:  forged", "\n\n" + forged}) {
    ExpectCounts(layout,
                 head + "LOG:  first\n" + head + "WARNING:  " + Tabbed(text) + "\n" + head +
                     "CONTEXT:  PL/pgSQL function inline_code_block line 1 at RAISE\n",
                 {{"WARNING", 1}, {"LOG", 1}}, text);
  }
}

TEST_P(Attacks, InUserNamesStayNames) {
  const Layout& layout = GetParam();
  if (layout.prefix.find("%u") == std::string_view::npos) return;
  const std::string forged = ForgedLine(layout);
  for (const std::string& name :
       {std::string("x\n") + forged, std::string("\n") + forged, std::string("PANIC:  x"),
        std::string("x@y PANIC:  it's"), std::string("x@y PANIC:  f"), std::string("x\ty"),
        std::string("x@y PANIC:  f\nB"), std::string("x\nPANIC:  f"), std::string("x@y\nPANIC:  f"),
        std::string("x,db=y,app=z,client=[local] PANIC:  f")}) {
    ExpectCounts(layout, Refusal(layout, name.substr(0, 63), "shop"), {{"FATAL", 1}}, name);
  }
}

TEST_P(Attacks, InDatabaseNamesStayNames) {
  const Layout& layout = GetParam();
  if (layout.prefix.find("%d") == std::string_view::npos) return;
  const std::string forged = ForgedLine(layout);
  for (const std::string& name : {std::string("x\n") + forged, std::string("\n") + forged,
                                  std::string("y PANIC:  f"), std::string("x\nPANIC:  f")}) {
    ExpectCounts(layout, Refusal(layout, "bob", name.substr(0, 63)), {{"FATAL", 1}}, name);
  }
}

TEST_P(Attacks, InNamesThatNoTextRepeatsStayNames) {
  const Layout& layout = GetParam();
  if (layout.prefix.find("%u") == std::string_view::npos) return;
  for (const std::string_view name :
       {"x@y PANIC:  f", "x,db=y,app=z,client=[local] PANIC:  f", "x\ny", "x@y\nPANIC:  f"}) {
    ExpectCounts(layout,
                 Head(layout, {"77", name, "shop", "[unknown]"}) +
                     "FATAL:  sorry, too many clients already\n",
                 {{"FATAL", 1}}, name);
  }
}

TEST_P(Attacks, InApplicationNamesStayNames) {
  const Layout& layout = GetParam();
  if (layout.prefix.find("%a") == std::string_view::npos) return;
  for (const std::string_view name :
       {" LOG:  duration: 99999.000 ms  statement: ", "x,client=[local] PANIC:  forged",
        "PANIC:  forged", "x PANIC:  forged"}) {
    const std::string head = Head(layout, {"50", "eve", "shop", name});
    ExpectCounts(layout, head + "ERROR:  no\n" + head + "STATEMENT:  select nope\n", {{"ERROR", 1}},
                 name);
  }
}

// A prefix without names was found out when the first session came.
TEST(Attack, OnAPrefixFoundFromBackgroundLinesAlone) {
  const Layout& debian = kLayouts[1];
  std::string log;
  for (int i = 0; i < 100; ++i) {
    log += Replace(debian.ground, "{p}", "3") + "LOG:  checkpoint starting: time\n";
  }
  log += Refusal(debian, std::string("x\n") + ForgedLine(debian), "shop");
  EXPECT_EQ(Read(log, {}), (Counts{{"LOG", 100}, {"FATAL", 1}}));
}

// ---- Assembly ----

TEST(Assembly, DeliversARecordThatARestartCutOnce) {
  const std::string log =
      "[7] STATEMENT:  of a record before\n\tof two lines\n[7] ERROR:  half\n[1] LOG:  starting "
      "PostgreSQL 15\n[7] LOG:  another process\n[7] STATEMENT:  of it\n";
  std::vector<std::string> texts;
  TextForm form({.prefix = "[%p] "}, [&](const Message& m) {
    texts.push_back(std::string(m.text) + "|" + std::string(m.statement));
  });
  form.Push(log);
  form.Flush(true);
  EXPECT_EQ(texts, (std::vector<std::string>{"half|", "starting PostgreSQL 15|",
                                             "another process|of it"}));
  EXPECT_EQ(form.stats().unparsed[static_cast<std::size_t>(Unparsed::kOrphan)], 2U);
}

TEST(Assembly, TellsProcessesOfOnePidApartByTheirSession) {
  const std::string log =
      "65a1b2c3.7|7|ERROR:  old\n65a1b2ff.7|7|ERROR:  new\n65a1b2c3.7|7|STATEMENT:  of old\n"
      "65a1b2ff.7|7|STATEMENT:  of new\n";
  std::vector<std::string> texts;
  TextForm form({.prefix = "%c|%p|"}, [&](const Message& m) {
    texts.push_back(std::string(m.text) + " " + std::string(m.statement));
  });
  form.Push(log);
  form.Flush(true);
  EXPECT_EQ(texts, (std::vector<std::string>{"old of old", "new of new"}));
}

TEST(Assembly, ForcedFormsAreTaken) {
  const std::string log = "2026-11-20T20:14:23Z db1 postgres[7]: LOG:  hi\n";
  std::vector<std::string> sources;
  for (const FormKind form : {FormKind::kStderr, FormKind::kSyslog}) {
    TextForm reader({.form = form}, [&](const Message& m) { sources.emplace_back(m.source); });
    reader.Push(log);
    reader.Flush(true);
    EXPECT_EQ(reader.kind(), form);
  }
  EXPECT_EQ(sources.back(), "db1");
}

}  // namespace
}  // namespace pgbeacon::log
