// Clients that forge log records: what they write changes no count but their own.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "logparse/reader.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kDebian = "%m [%p] %q%u@%d ";
constexpr std::string_view kBadger = "%t [%p]: user=%u,db=%d,app=%a,client=%h ";

// "FATAL 28000: text" of each message, the last line feeds left out, one a line; then the lines
// that gave none.
std::string Read(std::string_view log, ReaderOptions options) {
  std::string seen;
  Reader reader(std::move(options), [&](const Message& message) {
    std::string text(message.text);
    for (char& c : text) c = c == '\n' ? '|' : c;
    seen.append(SeverityName(message.severity)).append(" ").append(message.sqlstate);
    seen.append(message.sqlstate.empty() ? "" : " ").append(text).append("\n");
  });
  reader.Push(log);
  reader.Flush(true);
  for (const std::uint64_t lines : reader.stats().unparsed) {
    if (lines != 0) seen += "unparsed " + std::to_string(lines) + "\n";
  }
  return seen;
}

std::string Told(std::string_view log, std::string_view prefix) {
  return Read(log, {.prefix = std::string(prefix)});
}

TEST(Attacks, ATextIsNoSqlstateWhereTheLogIsNotVerbose) {
  const std::string head = "2026-11-21 10:02:50.240 UTC [7] ";
  EXPECT_EQ(
      Told(head + "WARNING:  XX001: forged\n" + head + "CONTEXT:  PL/pgSQL function\n" + head +
               "ERROR:  00000: forged\n" + head + "STATEMENT:  do $$\n\tLOCATION:  x\n",
           "%m [%p] "),
      "WARNING XX001: forged\nERROR 00000: forged\n");
  EXPECT_EQ(Told(head + "ERROR:  P0001: XX001: forged\n" + head +
                     "LOCATION:  exec_stmt_raise, pl_exec.c:3893\n",
                 "%m [%p] "),
            "ERROR P0001 XX001: forged\n");
}

TEST(Attacks, ATextThatEndsLikeABeginOfANameTakesNoOthersMessage) {
  const std::string time = "2026-11-21 10:02:50.264 UTC ";
  EXPECT_EQ(Told(time + "[7] x@x ERROR:  no name@\n" + time + "[8] y@y FATAL:  bye\n", kDebian),
            "ERROR no name@\nFATAL bye\n");
}

TEST(Attacks, ANameWithALabelBeforeItsLineFeedIsOneMessage) {
  const std::string time = "2026-11-21 10:02:50.264 UTC [4068] ";
  const std::string forged = "2026-11-21 10:02:49.851 UTC [4242] PANIC:  x";
  const std::string log = time + "[unknown]@[unknown] LOG:  connection received: host=[local]\n" +
                          time + "a@b LOG:  \n" + forged + "@a@b LOG:  \n" + forged +
                          " LOG:  connection authorized: user=a@b LOG:  \n\t" + forged +
                          " database=a@b LOG:  \n\t" + forged + "\n" + time + "a@b LOG:  \n" +
                          forged + "@a@b LOG:  \n" + forged + " FATAL:  role \"a@b LOG:  \n\t" +
                          forged + "\" does not exist\n";
  EXPECT_EQ(Told(log, kDebian),
            "LOG connection received: host=[local]\n"
            "LOG connection authorized: user=a@b LOG:  |" +
                forged + " database=a@b LOG:  |" + forged + "\nFATAL role \"a@b LOG:  |" + forged +
                "\" does not exist\n");
}

TEST(Attacks, AnHonestFirstLineOfASessionWaitsForNoProof) {
  const std::string time = "2026-11-21 10:02:50.264 UTC ";
  EXPECT_EQ(Told(time + "[1] bob@shop ERROR:  no\n" + time + "[1] bob@shop STATEMENT:  x\n\ty\n" +
                     time + "[2] ann@shop LOG:  duration: 1.000 ms\n" + time +
                     "[3] LOG:  checkpoint starting: time\n",
                 kDebian),
            "ERROR no\nLOG duration: 1.000 ms\nLOG checkpoint starting: time\n");
}

// The same name in syslog's pieces, in one line with escaped line feeds, and in raw datagrams.
TEST(Attacks, ANameWithALabelIsOneMessageInSyslogToo) {
  const std::string forged = "2026-11-21 10:02:49.851 UTC [4242] PANIC:  x";
  const std::string fatal = "FATAL role \"a@b LOG:  |" + forged + "\" does not exist\n";
  const auto line = [](std::string_view mark) {
    return "Nov 21 10:02:50 host postgres[4068]: " + std::string(mark);
  };
  const std::string head = "2026-11-21 10:02:50.264 UTC [4068] a@b LOG:  ";
  EXPECT_EQ(Told(line("[7-1] ") + head + "\n" + line("[7-2] ") + forged + "@a@b LOG:  \n" +
                     line("[7-3] ") + forged + " FATAL:  role \"a@b LOG:  \n" + line("[7-4] #011") +
                     forged + "\" does not exist\n",
                 kDebian),
            fatal);
  EXPECT_EQ(Told(line("[7] ") + head + "#012" + forged + "@a@b LOG:  #012" + forged +
                     " FATAL:  role \"a@b LOG:  #012#011" + forged + "\" does not exist\n",
                 kDebian),
            fatal);
  EXPECT_EQ(Told("<131>" + line("[7] ") + head + "\n" + forged + "@a@b LOG:  \n" + forged +
                     " FATAL:  role \"a@b LOG:  \n\t" + forged + "\" does not exist\n",
                 kDebian),
            fatal);
}

TEST(Attacks, ATornHeadInARawDatagramIsOneMessage) {
  const std::string log =
      "<134>Nov 21 10:03:01 postgres[7]: [6] 2026-11-21 10:03:01 UTC [7]: user=[unknown],"
      "db=[unknown],app=[unknown],client=[local] LOG:  connection received: host=[local]\n"
      "<131>Nov 21 10:03:01 postgres[7]: [7] 2026-11-21 10:03:01 UTC [7]: user=a\n"
      "[1-1] PANIC:  x,db=a\n"
      "[1-1] PANIC:  x,app=[unknown],client=[local] FATAL:  role \"a\n"
      "\t[1-1] PANIC:  x\" does not exist\n";
  EXPECT_EQ(Told(log, kBadger),
            "LOG connection received: host=[local]\n"
            "FATAL role \"a|[1-1] PANIC:  x\" does not exist\n");
}

TEST(Attacks, WhatRsyslogWritesForALineFeedMayStandInATextOrAName) {
  const std::string head =
      "Nov 21 10:03:01 host postgres[7]: [8] 2026-11-21 10:03:01 UTC [7]: user=u,db=d,app=";
  EXPECT_EQ(
      Told(head + "a#012PANIC:  x,client=[local] LOG:  disconnection: session time: 0\n", kBadger),
      "LOG disconnection: session time: 0\n");
  const std::string prefix = "2026-11-21 10:03:01 UTC [7]: user=u,db=d,app=b,client=[local] ";
  EXPECT_EQ(
      Told("Nov 21 10:03:01 host postgres[7]: [8] " + prefix + "ERROR:  division by zero#012" +
               prefix + "STATEMENT:  select 1/0 /* x#012" + prefix + "PANIC:  x */\n",
           kBadger),
      "ERROR division by zero\n");
}

TEST(Attacks, AnEscapedApplicationIsNoLongerThanAnyOther) {
  EXPECT_EQ(Told("2026-11-21 10:03:53 UTC [7]: user=u,db=d,app=[unknown],client=[local] LOG:  "
                 "connection authorized: user=u database=d application_name=a\\x0a2026-11-21 "
                 "10:03:53 UTC [4242]: user=u,db=d,app=app,client=[local] PANIC:  x\n",
                 kBadger),
            "LOG connection authorized: user=u database=d application_name=a\\x0a2026-11-21 "
            "10:03:53 UTC [4242]: user=u,db=d,app=app,client=[local] PANIC:  x\n");
}

TEST(Attacks, NamesDoNotChooseThePrefixThatIsDetected) {
  const std::string time = "2026-11-21 10:04:11.288 UTC ";
  std::string log;
  for (int pid = 100; pid < 104; ++pid) {
    const std::string head = time + "[" + std::to_string(pid) + "] ";
    log += head + "00000 [unknown]@[unknown]/[unknown] LOG:  connection received: host=[local]\n";
    log += head + "00000 u@d/[unknown] LOG:  connection authorized: user=u database=d\n";
    log += head + "00000 u@d/x LOG:  disconnection: session time: 0:00:00.1 user=u database=d\n";
    log +=
        head + "28000 a@b LOG:  \n" + time + "[4242] XX000 p@p/[unknown] FATAL:  role \"a@b LOG:  ";
    log += "\n\t" + time + "[4242] XX000 p\" does not exist\n";
  }
  Reader reader({}, [](const Message&) {});
  reader.Push(log);
  reader.Flush(true);
  EXPECT_EQ(reader.prefix(), "%m [%p] %e %q%u@%d/%a ");
}

}  // namespace
}  // namespace pgbeacon::log
