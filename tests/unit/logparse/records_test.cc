// Records borrow the lines that they consist of: whatever way a log is cut into blocks, and though
// each block is gone after its Push(), the messages are the same.
#include "logparse/records.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/forms/text.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kLog =
    "2026-11-20 20:14:23.488 UTC [40] bob@shop ERROR:  42P01: relation \"a\" does not exist\n"
    "2026-11-20 20:14:23.488 UTC [41] eve@shop LOG:  duration: 1.5 ms  statement: select 1,\n"
    "\t 2,\n"
    "2026-11-20 20:14:23.488 UTC [40] bob@shop LOCATION:  parserOpenTable, parse_relation.c:1449\n"
    "\t 3\n"
    "2026-11-20 20:14:23.489 UTC [40] bob@shop STATEMENT:  select *\n"
    "\tfrom a\n"
    "2026-11-20 20:14:23.489 UTC [41] eve@shop DETAIL:  parameters: $1 = 'x'\n"
    "2026-11-20 20:14:23.489 UTC [41] eve@shop HINT:  none\n"
    "2026-11-20 20:14:23.489 UTC [41] eve@shop DETAIL:  more\n"
    "2026-11-20 20:14:23.490 UTC [41] eve@shop LOG:  duration: 2.5 ms\n"
    "2026-11-20 20:14:23.491 UTC [40] bob@shop LOG:  disconnection: session time: 0:00:01.000\n";

std::string Told(const Message& m) {
  std::string out(SeverityName(m.severity));
  for (const std::string_view field : {m.time, m.pid, m.session, m.user, m.database, m.sqlstate,
                                       m.text, m.detail, m.hint, m.location, m.statement}) {
    out.append(1, '|').append(field);
  }
  return out + (m.truncated ? "|cut" : "");
}

// What the log says when it comes in blocks of `size` bytes, each in memory of its own.
std::vector<std::string> Read(std::size_t size, ReaderOptions options = {}) {
  options.prefix = "%m [%p] %q%u@%d ";
  std::vector<std::string> messages;
  TextForm form(options, [&](const Message& m) { messages.push_back(Told(m)); });
  for (std::size_t at = 0; at < kLog.size(); at += size) {
    const std::vector<char> block(
        kLog.begin() + static_cast<std::ptrdiff_t>(at),
        kLog.begin() + static_cast<std::ptrdiff_t>(std::min(at + size, kLog.size())));
    form.Push({block.data(), block.size()});
  }
  form.Flush(true);
  return messages;
}

TEST(Records, JoinTheLinesOfEachSession) {
  const std::vector<std::string> messages = Read(kLog.size());
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0],
            "LOG|2026-11-20 20:14:23.488 UTC|41|41|eve|shop||duration: 1.5 ms  statement: select "
            "1,\n 2,|parameters: $1 = 'x'\nmore|none||");
  EXPECT_EQ(messages[1],
            "ERROR|2026-11-20 20:14:23.488 UTC|40|40|bob|shop|42P01|relation \"a\" does not exist||"
            "|parserOpenTable, parse_relation.c:1449\n 3|select *\nfrom a");
}

TEST(Records, SayTheSameHoweverTheLogIsCut) {
  const std::vector<std::string> whole = Read(kLog.size());
  for (std::size_t size = 1; size < kLog.size(); ++size) EXPECT_EQ(Read(size), whole) << size;
}

TEST(Records, AreCutAtTheSameByteHoweverTheLogIsCut) {
  ReaderOptions options;
  options.record_bytes = 110;
  const std::vector<std::string> whole = Read(kLog.size(), options);
  EXPECT_TRUE(std::ranges::any_of(
      whole, [](const std::string& message) { return message.ends_with("|cut"); }));
  for (std::size_t size = 1; size < kLog.size(); ++size) {
    EXPECT_EQ(Read(size, options), whole) << size;
  }
}

TEST(Records, KeepTheBudgetOfAllThatAreOpen) {
  ReaderOptions options;
  options.open_bytes = 150;
  for (std::size_t size = 1; size <= kLog.size(); ++size) {
    for (const std::string& message : Read(size, options)) EXPECT_LE(message.size(), 200U) << size;
  }
}

}  // namespace
}  // namespace pgbeacon::log
