#include "logparse/transport/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace pgbeacon::log {
namespace {

using std::string_view_literals::operator""sv;

std::string Show(const Frame& frame) {
  constexpr std::string_view kProtocols[] = {"none", "3164", "5424", "logplex"};
  std::string out(kProtocols[static_cast<std::size_t>(frame.protocol)]);
  out += frame.has_pri ? " " + std::to_string(frame.facility) + "." + std::to_string(frame.level)
                       : std::string(" -");
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.append(" ").append(name).append("=").append(value);
  };
  add("time", frame.time);
  add("host", frame.host);
  add("app", frame.app);
  add("process", frame.process);
  add("id", frame.id);
  add("data", frame.data);
  return out.append(" | ").append(frame.message);
}

struct Case {
  std::string_view sender, bytes, shown;
};

const Case kRfc3164[] = {
    {"the RFC", "<134>Nov 20 20:14:23 db1 postgres[18655]: [10-1] LOG:  hi",
     "3164 16.6 time=Nov 20 20:14:23 host=db1 app=postgres process=18655 | [10-1] LOG:  hi"},
    {"glibc on /dev/log", "<134>Nov  2 20:14:23 postgres[18655]: [10-2]  a\n",
     "3164 16.6 time=Nov  2 20:14:23 app=postgres process=18655 | [10-2]  a"},
    {"a day of one digit", "<134>Nov 2 20:14:23 db1 postgres[7]: x",
     "3164 16.6 time=Nov 2 20:14:23 host=db1 app=postgres process=7 | x"},
    {"rsyslog's forward format",
     "<134>2026-11-20T20:14:23.488512+00:00 db1 postgres[18655]: [10-1] x",
     "3164 16.6 time=2026-11-20T20:14:23.488512+00:00 host=db1 app=postgres process=18655 | "
     "[10-1] x"},
    {"a year behind the day", "<13>Nov 20 2026 20:14:23 db1 postgres[7]: x",
     "3164 1.5 time=Nov 20 2026 20:14:23 host=db1 app=postgres process=7 | x"},
    {"milliseconds", "<13>Nov 20 20:14:23.123 db1 postgres[7]: x",
     "3164 1.5 time=Nov 20 20:14:23.123 host=db1 app=postgres process=7 | x"},
    {"an IPv6 host", "<13>Nov 20 20:14:23 2001:db8::1 postgres[7]: x",
     "3164 1.5 time=Nov 20 20:14:23 host=2001:db8::1 app=postgres process=7 | x"},
    {"no blank behind the tag", "<13>Nov 20 20:14:23 db1 postgres[7]:[10-1] x",
     "3164 1.5 time=Nov 20 20:14:23 host=db1 app=postgres process=7 | [10-1] x"},
    {"no process", "<13>Nov 20 20:14:23 db1 postgresql-15: x",
     "3164 1.5 time=Nov 20 20:14:23 host=db1 app=postgresql-15 | x"},
    {"no colon", "<13>Nov 20 20:14:23 db1 postgres[7] x",
     "3164 1.5 time=Nov 20 20:14:23 host=db1 app=postgres process=7 | x"},
    {"no tag", "<13>Nov 20 20:14:23 db1 last message repeated 2 times",
     "3164 1.5 time=Nov 20 20:14:23 host=db1 | last message repeated 2 times"},
    {"no time", "<134>postgres[7]: [10-1] x", "3164 16.6 app=postgres process=7 | [10-1] x"},
    {"nothing but a PRI", "<0>LOG:  hi", "3164 0.0 | LOG:  hi"},
    {"no PRI: 13", "Nov 20 20:14:23 db1 postgres[7]: x",
     "3164 - time=Nov 20 20:14:23 host=db1 app=postgres process=7 | x"},
    {"an empty message", "<13>Nov 20 20:14:23 db1 postgres[7]:\n",
     "3164 1.5 time=Nov 20 20:14:23 host=db1 app=postgres process=7 | "},
    {"logger -t with a path", "<13>Nov 20 20:14:23 db1 usr/bin/x: y",
     "3164 1.5 time=Nov 20 20:14:23 host=db1 app=usr/bin/x | y"},
    {"a Cisco router", "<189>237: *Nov 20 20:14:23.123 UTC: %LINK-3-UPDOWN: Interface up",
     "3164 23.5 time=Nov 20 20:14:23.123 UTC app=%LINK-3-UPDOWN | Interface up"},
    {"a Cisco firewall", "<166>Nov 20 2026 20:14:23 fw1 : %ASA-6-302013: Built",
     "3164 20.6 time=Nov 20 2026 20:14:23 host=fw1 | %ASA-6-302013: Built"},
    {"AIX", "<13>Nov 20 20:14:23 Message forwarded from db1: postgres[7]: x",
     "3164 1.5 time=Nov 20 20:14:23 host=db1 app=postgres process=7 | x"},
    {"Solaris", "<134>Nov 20 20:14:23 db1 postgres[7]: [ID 748625 local0.info] [3-1] x",
     "3164 16.6 time=Nov 20 20:14:23 host=db1 app=postgres process=7 | [3-1] x"},
    {"a proxy of Heroku's lines", "<13>Nov 20 20:14:23 h app[postgres.1]: [GOLD] [3-1] x",
     "3164 1.5 time=Nov 20 20:14:23 host=h app=app process=postgres.1 | [GOLD] [3-1] x"},
};

const Case kRfc5424[] = {
    {"the RFC",
     "<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [exampleSDID@32473 iut=\"3\" "
     "eventID=\"1011\"][examplePriority@32473 class=\"high\"] \xef\xbb\xbf"
     "An event",
     "5424 20.5 time=2003-10-11T22:14:15.003Z host=h app=evntslog id=ID47 "
     "data=[exampleSDID@32473 iut=\"3\" eventID=\"1011\"][examplePriority@32473 class=\"high\"] | "
     "An event"},
    {"nothing known", "<34>1 - - - - - -", "5424 4.2 | "},
    {"rsyslog", "<134>1 2026-11-20T20:14:23.488512+00:00 db1 postgres 4711 - - [3-1] LOG:  hi",
     "5424 16.6 time=2026-11-20T20:14:23.488512+00:00 host=db1 app=postgres process=4711 | "
     "[3-1] LOG:  hi"},
    {"rsyslog, whose message begins with a blank",
     "<134>1 2026-11-20T20:14:23Z db1 postgres 4711 - -  [3-1] x",
     "5424 16.6 time=2026-11-20T20:14:23Z host=db1 app=postgres process=4711 |  [3-1] x"},
    {"logger",
     "<13>1 2026-11-20T20:14:23.4+01:00 h root - - [timeQuality tzKnown=\"1\" isSynced=\"0\"] x",
     "5424 1.5 time=2026-11-20T20:14:23.4+01:00 host=h app=root "
     "data=[timeQuality tzKnown=\"1\" isSynced=\"0\"] | x"},
    {"escapes in the data", R"(<13>1 - h a - - [x k="a\"b\]c\\"] m)",
     R"(5424 1.5 host=h app=a data=[x k="a\"b\]c\\"] | m)"},
    {"an element without values", "<13>1 - h a - - [x@1] m",
     "5424 1.5 host=h app=a data=[x@1] | m"},
    {"a syslog drain of Heroku",
     "<190>1 2026-11-20T20:14:23+00:00 d.73ea app postgres.1 - - [GOLD] [3-1] x\n",
     "5424 23.6 time=2026-11-20T20:14:23+00:00 host=d.73ea app=app process=postgres.1 | "
     "[GOLD] [3-1] x"},
    {"another version", "<13>12 2026-11-20T20:14:23Z h a p - - m",
     "5424 1.5 time=2026-11-20T20:14:23Z host=h app=a process=p | m"},
    {"a datagram that was cut", "<13>1 2026-11-20T20:14:23Z db1 post",
     "5424 1.5 time=2026-11-20T20:14:23Z host=db1 app=post | "},
};

const Case kLogplex[] = {
    {"Logplex", "<134>1 2026-11-20T20:14:23+00:00 host app postgres.1 - [GOLD] [3-1]  x",
     "logplex 16.6 time=2026-11-20T20:14:23+00:00 host=host app=app process=postgres.1 | "
     "[GOLD] [3-1]  x"},
    {"a message that begins with a dash", "<190>1 2026-11-20T20:14:23Z host app web.1 - - item",
     "logplex 23.6 time=2026-11-20T20:14:23Z host=host app=app process=web.1 | - item"},
    {"an overflow", "<172>1 2014-11-11T08:24:25+00:00 host heroku logplex - Error L10 (x): 491 m",
     "logplex 21.4 time=2014-11-11T08:24:25+00:00 host=host app=heroku process=logplex | "
     "Error L10 (x): 491 m"},
    {"an overflow with data", "<172>1 2014-11-11T08:24:25Z host heroku logplex - - Error L10",
     "5424 21.4 time=2014-11-11T08:24:25Z host=host app=heroku process=logplex | Error L10"},
    {"the documentation", "<40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed",
     "logplex 5.0 time=2012-11-30T06:45:29+00:00 host=host app=app process=web.3 | State changed"},
    {"an old drain", "<40>1 2012-11-30T06:45:29+00:00 heroku web.3 d.73ea7440-270a - State changed",
     "logplex 5.0 time=2012-11-30T06:45:29+00:00 app=heroku process=web.3 | State changed"},
    {"data all the same", "<13>1 2026-11-20T20:14:23Z host app postgres.1 - [o x=\"1\"] [GOLD] x",
     "5424 1.5 time=2026-11-20T20:14:23Z host=host app=app process=postgres.1 data=[o x=\"1\"] | "
     "[GOLD] x"},
    {"log-shuttle", "<190>1 2026-11-20T20:14:23Z shuttle t shuttle - - hi",
     "5424 23.6 time=2026-11-20T20:14:23Z host=shuttle app=t process=shuttle | hi"},
};

const Case kOthers[] = {
    {"no header", "LOG:  hi\n", "none - | LOG:  hi"},
    {"a line of stderr", "2026-11-20 20:14:23.488 UTC [7] LOG:  hi",
     "none - | 2026-11-20 20:14:23.488 UTC [7] LOG:  hi"},
    {"a leading zero", "<034>Nov 20 20:14:23 h a[7]: x", "none - | <034>Nov 20 20:14:23 h a[7]: x"},
    {"a PRI above 191", "<192>Nov 20 20:14:23 h a[7]: x",
     "none - | <192>Nov 20 20:14:23 h a[7]: x"},
    {"no digits", "<>x", "none - | <>x"},
    {"an open PRI", "<13", "none - | <13"},
    {"nothing", "", "none - | "},
    {"line feeds alone", "\n\n", "none - | "},
};

template <std::size_t size>
void Check(const Case (&cases)[size]) {
  for (const Case& c : cases) EXPECT_EQ(Show(ParseFrame(c.bytes)), c.shown) << c.sender;
}

TEST(Frame, ReadsRfc3164AsSendersWriteIt) { Check(kRfc3164); }
TEST(Frame, ReadsRfc5424) { Check(kRfc5424); }
TEST(Frame, ReadsWhatLogplexWrites) { Check(kLogplex); }
TEST(Frame, TakesWhatHasNoHeaderForAMessage) { Check(kOthers); }

TEST(Frame, WithoutPriIsUserNotice) {
  const Frame frame = ParseFrame("Nov 20 20:14:23 h a[7]: x");
  EXPECT_EQ(frame.facility * 8 + frame.level, 13);
  EXPECT_FALSE(frame.has_pri);
}

TEST(Frame, KeepsBytesInsideTheMessage) {
  EXPECT_EQ(ParseFrame("<13>1 - h a 7 - - x\n\ty\0z\r\xff\n\n\0"sv).message, "x\n\ty\0z\r\xff"sv);
  EXPECT_EQ(ParseFrame("<13>1 - h a 7 - - x\r\n").message, "x\r");
}

TEST(Frame, TakesFieldsThatAreTooLong) {
  const std::string host(400, 'h');
  const std::string app(100, 'a');
  const std::string bytes = "<13>1 2026-11-20T20:14:23Z " + host + " " + app + " 7 - - x";
  const Frame frame = ParseFrame(bytes);
  EXPECT_EQ(frame.host.size(), 400U);
  EXPECT_EQ(frame.app.size(), 100U);
}

}  // namespace
}  // namespace pgbeacon::log
