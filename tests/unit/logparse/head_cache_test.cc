#include "logparse/head_cache.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace pgbeacon::log {
namespace {

std::string Told(const Head& head) {
  std::string out;
  for (const std::string_view part : {head.time, head.pid, head.session, head.user, head.database,
                                      head.application, head.sqlstate, head.remote}) {
    out.append(part).append(1, '|');
  }
  return out + std::to_string(head.label_begin) + " " + std::to_string(head.label.size) + " " +
         std::to_string(static_cast<int>(head.label.severity)) + " " +
         std::to_string(static_cast<int>(head.label.part)) + (head.doubtful ? " doubtful" : "") +
         (head.stopped ? " stopped" : "");
}

// Pieces that heads are made of, some of them by people who want to be misread.
const std::vector<std::string> kPieces = {"2026-11-20 20:14:23.488 UTC",
                                          "2026-11-20 20:14:23.489 UTC",
                                          "2026-11-20 20:14:24.001 +0530",
                                          "2026-11-20 20:14:23.48x UTC",
                                          "2026-11-20 20:14:23 UTC",
                                          "2026-11-20 20:14:24 UTC",
                                          " [17] ",
                                          " [4711] ",
                                          " [1234567] ",
                                          " 17 ",
                                          "app",
                                          "shop",
                                          "@",
                                          " ",
                                          "/",
                                          "[unknown]",
                                          "x LOG:  duration: 1 ms",
                                          "bob@example.org",
                                          "psql",
                                          "LOG:  ",
                                          "LOG: ",
                                          "ERROR:  ",
                                          "DETAIL:  ",
                                          "STATEMENT:  ",
                                          "duration: 0.1 ms  statement: select 'LOG:  x'",
                                          "00000",
                                          "42P01",
                                          ":",
                                          "  "};

TEST(HeadCache, FindsWhatThePrefixFinds) {
  constexpr int kLines = 40'000;
  for (const char* text : {"%m [%p] %q%u@%d ", "%m [%p] ", "%t [%p] %q%u@%d/%a ", "[%p] %u@%d ",
                           "%m %p %e %u %d:", "%m [%p]%q %u", "%m [%l] %u@%d ", "%m [%p] %a "}) {
    const Result<Prefix> prefix = Prefix::Compile(text);
    ASSERT_TRUE(prefix.ok());
    HeadCache cache;
    std::mt19937 random(17);
    std::vector<std::string> lines;  // earlier ones, to be varied
    int found = 0;
    for (int i = 0; i < kLines; ++i) {
      std::string line;
      if (lines.size() > 50 && random() % 4 != 0) {
        line = lines[random() % lines.size()];
        const std::size_t at = random() % (line.size() + 1);
        const std::string& piece = kPieces[random() % kPieces.size()];
        if (random() % 2 == 0) line.replace(at, piece.size(), piece);
      } else {
        for (const char* c = text; *c != 0; ++c) {
          const auto one_of = [&](std::size_t from, std::size_t to) {
            return kPieces[from + random() % (to - from)];
          };
          if (*c != '%') {
            line += *c;
            continue;
          }
          while (*++c == '-' || (*c >= '0' && *c <= '9')) {
          }
          line += *c == 'm'   ? one_of(0, 4)
                  : *c == 'l' ? std::to_string(random() % 90)
                  : *c == 't' ? one_of(4, 6)
                  : *c == 'p' ? std::to_string(1000 + random() % 5)
                  : *c == 'e' ? one_of(25, 27)
                  : *c == 'q' ? ""
                              : one_of(10, 19);
        }
        line += kPieces[19 + random() % 5] + kPieces[random() % kPieces.size()] + "and more text";
        lines.push_back(line);
      }
      Head expected;
      Head cached;
      const bool fits = prefix->Match(line, expected);
      ASSERT_EQ(cache.Match(*prefix, line, cached), fits) << text << "\n" << line;
      if (!fits) continue;
      ++found;
      ASSERT_EQ(Told(cached), Told(expected)) << text << "\n" << line;
    }
    EXPECT_GT(found, kLines / 20) << text;
  }
}

TEST(HeadCache, PointsIntoTheLineAtHand) {
  const Result<Prefix> prefix = Prefix::Compile("%m [%p] %q%u@%d ");
  HeadCache cache;
  for (const char* time : {"20:14:23.488", "20:14:23.999", "20:14:24.000"}) {
    const std::string line = "2026-11-20 " + std::string(time) + " UTC [17] app@shop LOG:  text";
    Head head;
    ASSERT_TRUE(cache.Match(*prefix, line, head));
    EXPECT_EQ(head.time, line.substr(0, 27));
    EXPECT_EQ(head.user, "app");
    EXPECT_EQ(head.user.data(), line.data() + 33);
  }
}

}  // namespace
}  // namespace pgbeacon::log
