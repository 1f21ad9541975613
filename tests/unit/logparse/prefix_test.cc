#include "logparse/prefix.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "logparse/detect.h"

namespace pgbeacon::log {
namespace {

struct Expected {
  std::string_view time, pid, session, user, database, application, sqlstate, remote, text;
};

struct Case {
  std::string_view name;
  std::string_view prefix;
  std::string_view line;
  Expected expected;
};

std::string TextOf(std::string_view line, const Head& head) {
  return std::string(line.substr(head.label_begin + head.label.size));
}

class PrefixMatches : public testing::TestWithParam<Case> {};

TEST_P(PrefixMatches, AndGivesItsFields) {
  const Case& c = GetParam();
  const Result<Prefix> prefix = Prefix::Compile(c.prefix);
  ASSERT_TRUE(prefix.ok()) << prefix.error().message;
  Head head;
  ASSERT_TRUE(prefix->Match(c.line, head)) << c.line;
  const Expected& e = c.expected;
  EXPECT_EQ(head.time, e.time);
  EXPECT_EQ(head.pid, e.pid);
  EXPECT_EQ(head.session, e.session.empty() ? e.pid : e.session);
  EXPECT_EQ(head.user, e.user);
  EXPECT_EQ(head.database, e.database);
  EXPECT_EQ(head.application, e.application);
  EXPECT_EQ(head.sqlstate, e.sqlstate);
  EXPECT_EQ(head.remote, e.remote);
  EXPECT_EQ(TextOf(c.line, head), e.text);
}

// clang-format off
const std::vector<Case> kCases = {
    {"Default", "%m [%p] ", "2026-11-20 20:14:23.488 UTC [4711] LOG:  hi", {.time = "2026-11-20 20:14:23.488 UTC", .pid = "4711", .text = "hi"}},
    {"NumericZone", "%m [%p] ", "2026-11-20 20:14:23.488 -03 [4711] LOG:  hi", {.time = "2026-11-20 20:14:23.488 -03", .pid = "4711", .text = "hi"}},
    {"OneBlankWhereNoNameCanLie", "%m [%p] ", "2026-11-20 20:14:23.488 UTC [4711] LOG: hi", {.time = "2026-11-20 20:14:23.488 UTC", .pid = "4711", .text = "hi"}},
    {"StrippedEmptyText", "%p ", "1 DETAIL:", {.pid = "1", .text = ""}},
    {"LeadingBlanksOfTheTextStay", "%p ", "1 LOG:     three", {.pid = "1", .text = "   three"}},
    {"Empty", "", "LOG:  hi", {.text = "hi"}},
    {"PercentSign", "100%% %p ", "100% 7 LOG:  hi", {.pid = "7", .text = "hi"}},
    {"Application", "%a|", "psql|LOG:  hi", {.application = "psql", .text = "hi"}},
    {"User", "%u|", "bob|LOG:  hi", {.user = "bob", .text = "hi"}},
    {"Database", "%d|", "shop|LOG:  hi", {.database = "shop", .text = "hi"}},
    {"UnknownIsEmpty", "%u|%d|%a|", "[unknown]|[unknown]|[unknown]|LOG:  hi", {.text = "hi"}},
    {"RemoteWithPort", "%r|", "10.0.0.1(51234)|LOG:  hi", {.remote = "10.0.0.1(51234)", .text = "hi"}},
    {"RemoteV6", "%r|", "fe80::1%eth0(51234)|LOG:  hi", {.remote = "fe80::1%eth0(51234)", .text = "hi"}},
    {"RemoteLocal", "%r|", "[local]|LOG:  hi", {.remote = "[local]", .text = "hi"}},
    {"RemoteAbsent", "%r|", "|LOG:  hi", {.text = "hi"}},
    {"Host", "%h|", "db-1.example.org|LOG:  hi", {.remote = "db-1.example.org", .text = "hi"}},
    {"BackendType", "%b|%p ", "logical replication launcher|7 LOG:  hi", {.pid = "7", .text = "hi"}},
    {"TimeWithoutMs", "%t|", "2026-11-20 20:14:23 CET|LOG:  hi", {.time = "2026-11-20 20:14:23 CET", .text = "hi"}},
    {"Epoch", "%n|", "1795205663.488|LOG:  hi", {.time = "1795205663.488", .text = "hi"}},
    {"CommandTag", "%i|%p ", "CREATE TABLE AS|7 LOG:  hi", {.pid = "7", .text = "hi"}},
    {"Sqlstate", "%e|", "42P01|ERROR:  hi", {.sqlstate = "42P01", .text = "hi"}},
    {"Session", "%c|%p ", "65a1b2c3.1f4|500 LOG:  hi", {.pid = "500", .session = "65a1b2c3.1f4", .text = "hi"}},
    {"LineAndStart", "%l|%s|", "12|2026-11-20 20:14:23 UTC|LOG:  hi", {.text = "hi"}},
    {"Vxid", "%v|%x|", "3/117|0|LOG:  hi", {.text = "hi"}},
    {"VxidAbsent", "%v|%x|", "|0|LOG:  hi", {.text = "hi"}},
    {"LeaderAbsent", "%P|%p ", "|7 LOG:  hi", {.pid = "7", .text = "hi"}},
    {"Leader", "%P|%p ", "99|7 LOG:  hi", {.pid = "7", .text = "hi"}},
    {"QueryId", "%Q|", "-6883023751393440299|LOG:  hi", {.text = "hi"}},
    {"LocalAddress", "%L|", "127.0.0.1|LOG:  hi", {.text = "hi"}},
    {"UnknownEscapePrintsNothing", "%z[%p] ", "[7] LOG:  hi", {.pid = "7", .text = "hi"}},
    {"UnknownEscapeOfALaterRelease", "%z[%p] ", "word[7] LOG:  hi", {.pid = "7", .text = "hi"}},
    {"PaddedRight", "%-10p|", "4711      |LOG:  hi", {.pid = "4711", .text = "hi"}},
    {"PaddedLeft", "%10p|", "      4711|LOG:  hi", {.pid = "4711", .text = "hi"}},
    {"PaddingTooNarrow", "%2p|", "4711|LOG:  hi", {.pid = "4711", .text = "hi"}},
    {"PaddedName", "%15u|%-8d|", "            bob|shop    |LOG:  hi", {.user = "bob", .database = "shop", .text = "hi"}},
    {"PaddedAbsent", "%15u|%p ", "               |7 LOG:  hi", {.pid = "7", .text = "hi"}},
    {"PaddedTime", "%-28t|", "2026-11-20 22:44:32 UTC     |LOG:  hi", {.time = "2026-11-20 22:44:32 UTC", .text = "hi"}},
    {"StopsAtQ", "[%p] %q%u@%d ", "[7] LOG:  checkpoint starting: time", {.pid = "7", .text = "checkpoint starting: time"}},
    {"GoesOnAfterQ", "[%p] %q%u@%d ", "[7] bob@shop LOG:  hi", {.pid = "7", .user = "bob", .database = "shop", .text = "hi"}},
    {"UserWithAt", "[%p] %u@%d ", "[7] bob@example.org@shop LOG:  hi", {.pid = "7", .user = "bob@example.org", .database = "shop", .text = "hi"}},
    {"NamesWithBlanks", "[%p] %u@%d ", "[7] bob the great@my shop LOG:  hi", {.pid = "7", .user = "bob the great", .database = "my shop", .text = "hi"}},
    {"NonAsciiNames", "[%p] %u@%d ", "[7] j\xc3\xbcrgen@l\xc3\xa4\xdf LOG:  hi", {.pid = "7", .user = "j\xc3\xbcrgen", .database = "l\xc3\xa4\xdf", .text = "hi"}},
    {"PgBadger", "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "2026-11-20 22:44:31 UTC [23471]: [7-1] user=bob,db=shop,app=my app,client=::1 LOG:  hi",
     {.time = "2026-11-20 22:44:31 UTC", .pid = "23471", .user = "bob", .database = "shop", .application = "my app", .remote = "::1", .text = "hi"}},
    {"PgBadgerBackground", "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "2026-11-20 22:44:31 UTC [23471]: [7-1] user=,db=,app=,client= LOG:  hi",
     {.time = "2026-11-20 22:44:31 UTC", .pid = "23471", .text = "hi"}},
    {"Rds", "%t:%r:%u@%d:[%p]:", "2026-11-20 22:44:31 UTC:10.0.0.1(51234):bob@shop:[23471]:LOG:  hi",
     {.time = "2026-11-20 22:44:31 UTC", .pid = "23471", .user = "bob", .database = "shop", .remote = "10.0.0.1(51234)", .text = "hi"}},
    {"RdsV6", "%t:%r:%u@%d:[%p]:", "2026-11-20 22:44:31 UTC:::1(51234):bob@shop:[23471]:LOG:  hi",
     {.time = "2026-11-20 22:44:31 UTC", .pid = "23471", .user = "bob", .database = "shop", .remote = "::1(51234)", .text = "hi"}},
    {"RdsBackground", "%t:%r:%u@%d:[%p]:", "2026-11-20 22:44:31 UTC::@:[23471]:LOG:  hi",
     {.time = "2026-11-20 22:44:31 UTC", .pid = "23471", .text = "hi"}},
    {"Azure", "%t-%c-", "2026-11-20 22:44:31 UTC-65a1b2c3.1f4-LOG:  hi", {.time = "2026-11-20 22:44:31 UTC", .session = "65a1b2c3.1f4", .text = "hi"}},
    {"NoBlankBeforeTheLabel", "%u:%d", "bob:shopLOG:  hi", {.user = "bob", .database = "shop", .text = "hi"}},
    {"AdjacentFields", "%p%c|", "4711.1f4|LOG:  hi", {.pid = "471", .session = "1.1f4", .text = "hi"}},
    {"BracketedHost", "[%h] ", "[[local]] LOG:  hi", {.remote = "[local]", .text = "hi"}},
    // Names and texts with labels inside.
    {"ApplicationIsALabel", "[%p] app=%a ", "[7] app= LOG:  duration: 99999.000 ms  statement:  LOG:  duration: 0.1 ms",
     {.pid = "7", .application = " LOG:  duration: 99999.000 ms  statement: ", .text = "duration: 0.1 ms"}},
    {"ApplicationIsALabelBeforeALiteral", "[%p] app=%a,client=%h ", "[7] app=x LOG:  duration: 9 ms,client=[local] LOG:  hi",
     {.pid = "7", .application = "x LOG:  duration: 9 ms", .remote = "[local]", .text = "hi"}},
    {"EscapedApplication", "%a|", R"(\xc3\xbcmlaut\xc3\xbcmlaut\xc3\xbcmlaut\xc3\xbcmlaut\xc3\xbcmlaut\xc3\xbcmlaut|LOG:  hi)",
     {.application = R"(\xc3\xbcmlaut\xc3\xbcmlaut\xc3\xbcmlaut\xc3\xbcmlaut\xc3\xbcmlaut\xc3\xbcmlaut)", .text = "hi"}},
    {"UserIsALabelThatTheTextRepeats", "[%p] %q%u@%d ", "[7] x@y PANIC:  forged@shop FATAL:  role \"x@y PANIC:  forged\" does not exist",
     {.pid = "7", .user = "x@y PANIC:  forged", .database = "shop", .text = "role \"x@y PANIC:  forged\" does not exist"}},
    {"UserBeginsWithALabel", "[%p] %q%u@%d ", "[7] PANIC:  forged@shop FATAL:  role \"PANIC:  forged\" does not exist",
     {.pid = "7", .user = "PANIC:  forged", .database = "shop", .text = "role \"PANIC:  forged\" does not exist"}},
    {"RaisedTextIsNoName", "[%p] %q%u@%d ", "[7] bob@shop WARNING:  x@y PANIC:  forged", {.pid = "7", .user = "bob", .database = "shop", .text = "x@y PANIC:  forged"}},
    {"QuotedTextIsNoApplication", "[%p] %a ", "[7] psql LOG:  statement: select 'x ERROR:  y'", {.pid = "7", .application = "psql", .text = "statement: select 'x ERROR:  y'"}},
    {"CommentedTextIsNoApplication", "[%p] %a ", "[7] psql LOG:  statement: /* x ERROR:  y */ select 1", {.pid = "7", .application = "psql", .text = "statement: /* x ERROR:  y */ select 1"}},
    {"NestedLabelIsNoApplication", "[%p] %a ", "[7] walreceiver FATAL:  could not connect: FATAL:  starting up",
     {.pid = "7", .application = "walreceiver", .text = "could not connect: FATAL:  starting up"}},
    {"LabelBeyondANameIsText", "%u ", "bob LOG:  a text that is longer than any name could ever be, so that it is text ERROR:  x",
     {.user = "bob", .text = "a text that is longer than any name could ever be, so that it is text ERROR:  x"}},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(All, PrefixMatches, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

// What the server prints for an escape, in a session and in a background process.
struct Printed {
  char escape;
  std::string_view session, ground;
};

const Printed kPrinted[] = {
    {'a', "my app", ""},
    {'u', "bob@example.org", ""},
    {'d', "l\xc3\xa4\xdf den", ""},
    {'r', "10.0.0.1(51234)", ""},
    {'h', "10.0.0.1", ""},
    {'b', "client backend", "checkpointer"},
    {'p', "4711", "23"},
    {'P', "4710", ""},
    {'t', "2026-11-20 20:14:23 CET", "2026-11-20 20:14:23 CET"},
    {'m', "2026-11-20 20:14:23.488 CET", "2026-11-20 20:14:23.488 CET"},
    {'n', "1795205663.488", "1795205663.488"},
    {'i', "CREATE TABLE", ""},
    {'e', "42P01", "00000"},
    {'c', "65a1b2c3.1267", "65a1b2c3.17"},
    {'l', "12", "1"},
    {'s', "2026-11-20 20:14:20 CET", "2026-11-20 20:14:20 CET"},
    {'v', "3/117", ""},
    {'x', "742", "0"},
    {'Q', "-6883023751393440299", "0"},
    {'L', "127.0.0.1", ""},
    {'%', "%", "%"},
};

std::string Padded(std::string_view value, int width) {
  const std::size_t size = static_cast<std::size_t>(width < 0 ? -width : width);
  const std::string blanks(size > value.size() ? size - value.size() : 0, ' ');
  return width < 0 ? std::string(value) + blanks : blanks + std::string(value);
}

TEST(Prefix, ReadsBackEveryEscapeWithEveryPadding) {
  for (const Printed& printed : kPrinted) {
    for (const int width : {0, 2, 10, 15, 40, -10, -15, -40}) {
      for (const bool ground : {false, true}) {
        const std::string_view value = ground ? printed.ground : printed.session;
        if (printed.escape == '%' && width != 0) continue;  // the server prints no padding there
        const std::string escape = "%" + (width == 0 ? "" : std::to_string(width)) + printed.escape;
        for (const std::string& pattern :
             {escape + "|%p ", "%p[" + escape + "] ", "%p " + escape + " "}) {
          const Result<Prefix> prefix = Prefix::Compile(pattern);
          ASSERT_TRUE(prefix.ok());
          std::string line = pattern;
          line.replace(line.find(escape), escape.size(), Padded(value, width));
          if (printed.escape != 'p') line.replace(line.find("%p"), 2, "4711");
          if (printed.escape == 'p') {
            const std::size_t other = line.find("%p");
            if (other != std::string::npos) line.replace(other, 2, value);
          }
          line += "LOG:  hi";
          Head head;
          ASSERT_TRUE(prefix->Match(line, head)) << pattern << "\n" << line;
          EXPECT_EQ(TextOf(line, head), "hi") << pattern << "\n" << line;
          const auto read = [&]() -> std::optional<std::string_view> {
            switch (printed.escape) {
              case 'a':
                return head.application;
              case 'u':
                return head.user;
              case 'd':
                return head.database;
              case 'p':
                return head.pid;
              case 'e':
                return head.sqlstate;
              case 'c':
                return head.session;
              case 't':
              case 'm':
              case 'n':
                return head.time;
              case 'r':
              case 'h':
                return head.remote;
              default:
                return std::nullopt;
            }
          }();
          if (read) {
            EXPECT_EQ(*read, value) << pattern << "\n" << line;
          }
        }
      }
    }
  }
}

// Prefixes that no list knows, found out from lines of two sessions and of a background process.
// Detection may use other names for what it cannot tell, but it must read the same messages.
TEST(DetectPrefix, FindsPaddedAndUnusualOnes) {
  const struct {
    std::string_view prefix, found;
  } cases[] = {
      {"%m [%10p] %q%u@%d ", "%m [%10p] %q%u@%d "},
      {"%m [%-10p] %q%u@%d ", "%m [%-10p] %q%u@%d "},
      {"%m %e [%p] %q%u@%d ", "%m %e [%p] %q%u@%d "},
      {"%m [%p] %e %q%u@%d/%a ", "%m [%p] %e %q%u@%d/%a "},
      {"%m|%-8p|user=%12u|db=%-12d|", "%m|%-8p|user=%12u|db=%-12d|"},
      {"%-28t|%p|", "%t     |%p|"},  // the zone is always as long
  };
  for (const auto& c : cases) {
    std::vector<std::string> lines;
    for (const auto& [pid, user, database] :
         {std::array<std::string_view, 3>{"4711", "bob", "shop"},
          std::array<std::string_view, 3>{"815", "alice", "warehouse"},
          std::array<std::string_view, 3>{"23", "", ""},
          std::array<std::string_view, 3>{"81234", "bob", "shop"}}) {
      std::string line;
      for (std::size_t i = 0; i < c.prefix.size(); ++i) {
        if (c.prefix[i] != '%') {
          line += c.prefix[i];
          continue;
        }
        int width = 0;
        const bool left = c.prefix[++i] == '-';
        if (left) ++i;
        while (c.prefix[i] >= '0' && c.prefix[i] <= '9') width = width * 10 + (c.prefix[i++] - '0');
        if (c.prefix[i] == 'q') {
          if (user.empty()) break;
          continue;
        }
        std::string_view value = pid;
        if (c.prefix[i] == 'u') value = user;
        if (c.prefix[i] == 'd') value = database;
        if (c.prefix[i] == 'a') value = "psql";
        if (c.prefix[i] == 'e') value = "00000";
        if (c.prefix[i] == 'm') value = "2026-11-20 20:14:23.488 UTC";
        if (c.prefix[i] == 't') value = "2026-11-20 20:14:23 UTC";
        line += Padded(value, left ? -width : width);
      }
      for (int n = 0; n < 4; ++n) lines.push_back(line + "LOG:  hi");
    }
    const std::vector<std::string_view> views(lines.begin(), lines.end());
    const Detected detected = DetectPrefix(views, {}, nullptr);
    ASSERT_TRUE(detected.prefix) << c.prefix;
    EXPECT_EQ(detected.prefix->text(), c.found) << lines[0];
    Head head;
    for (std::string_view line : views) {
      EXPECT_TRUE(detected.prefix->Match(line, head)) << c.prefix << "\n" << line;
    }
  }
}

TEST(Prefix, RefusesLinesThatDoNotFit) {
  const struct {
    std::string_view prefix, line;
  } cases[] = {
      {"%m [%p] ", ""},
      {"%m [%p] ", "2026-11-20 20:14:23.488 UTC [4711]"},
      {"%m [%p] ", "2026-11-20 20:14:23.488 UTC [4711] no label"},
      {"%m [%p] ", "2026-11-20 20:14:23.488 UTC [4711] LOGS:  hi"},
      {"%m [%p] ", "2026-11-20 20:14:23.488 UTC [x] LOG:  hi"},
      {"%m [%p] ", "2026-1120 20:14:23.488 UTC [1] LOG:  hi"},
      {"%m [%p] ", "2026-11-2\x3a 20:14:23.488 UTC [1] LOG:  hi"},
      {"%m [%p] ", "LOG:  hi"},
      {"%m [%p] %q%u@%d ", "2026-11-20 20:14:23.488 UTC [1] bob LOG:  no database"},
      {"%e ", "42p01 LOG:  hi"},
      {"%5p|", "   7|LOG:  hi"},
      {"%u ", "a name that is longer than any that the server would take, by far LOG:  x"},
  };
  for (const auto& c : cases) {
    const Result<Prefix> prefix = Prefix::Compile(c.prefix);
    ASSERT_TRUE(prefix.ok());
    Head head;
    EXPECT_FALSE(prefix->Match(c.line, head)) << c.prefix << " | " << c.line;
  }
}

TEST(Prefix, NamesWhatIsWrongWithABadOne) {
  const struct {
    std::string_view prefix, message;
  } cases[] = {
      {"%m %", "ends inside an escape"},
      {"%m %-", "ends inside an escape"},
      {"%10", "ends inside an escape"},
      {"%1001p ", "padding above 1000"},
      {"a\nb", "line feed"},
      {"%99999999999999999999p", "padding above 1000"},
  };
  for (const auto& c : cases) {
    const Result<Prefix> prefix = Prefix::Compile(c.prefix);
    ASSERT_FALSE(prefix.ok()) << c.prefix;
    EXPECT_NE(prefix.error().message.find(c.message), std::string::npos) << prefix.error().message;
  }
  EXPECT_FALSE(Prefix::Compile(std::string(2000, 'x')).ok());
  std::string many;
  for (int i = 0; i < 40; ++i) many += "%p ";
  EXPECT_FALSE(Prefix::Compile(many).ok());
}

TEST(Prefix, TellsHeadsThatEndInsideANameWithALineFeed) {
  const Result<Prefix> prefix = Prefix::Compile("%m [%p] %q%u@%d ");
  ASSERT_TRUE(prefix.ok());
  EXPECT_TRUE(prefix->EndsInName("2026-11-20 20:14:23.488 UTC [1] evil"));
  EXPECT_TRUE(prefix->EndsInName("2026-11-20 20:14:23.488 UTC [1] evil@sh"));
  EXPECT_FALSE(prefix->EndsInName("plain text"));
  EXPECT_FALSE(prefix->EndsInName("2026-11-20 20:14:23.488 UTC [1] " + std::string(300, 'x')));
}

TEST(Prefix, ReadsHostileHeadsInBoundedTime) {
  const Result<Prefix> prefix = Prefix::Compile("%u %d %a %i %b ");
  ASSERT_TRUE(prefix.ok());
  std::string line;
  while (line.size() < 4000) line += "  LOG:x ";
  Head head;
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(prefix->Match(line, head));
  line.clear();
  while (line.size() < 4000) line += " LOG:   ";
  for (int i = 0; i < 50; ++i) prefix->Match(line, head);
}

}  // namespace
}  // namespace pgbeacon::log
