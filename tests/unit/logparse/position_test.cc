// Whatever the moment at which a reader is lost, one that begins at its last position delivers what
// is missing, once, and counts it. PGB_POSITION_CASES=2000 tries more logs of each form than usual.
#include "logparse/position.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/reader.h"
#include "position_logs.h"

namespace pgbeacon::log {
namespace {

struct Log {
  std::string name;
  std::function<std::string(LogMaker&, int records, bool clean)> make;
  ReaderOptions options;
  bool clean = false;  // what is detected from a few lines of noise is not the same in any of them
};

std::vector<Log> Logs() {
  std::vector<Log> logs;
  for (const std::string prefix : {"%m [%p] %q%u@%d ", "%m [%p] ", "%t:%r:%u@%d:[%p]: ",
                                   "%m [%p] user=%u,db=%d,app=%a ", "%m %c %a ", ""}) {
    const auto make = [prefix](LogMaker& maker, int records, bool clean) {
      return maker.Stderr(prefix, records, clean);
    };
    logs.push_back({"Stderr", make, {.form = FormKind::kStderr, .prefix = prefix}});
    logs.push_back({"StderrInAnyEnvelope", make, {.prefix = prefix}});
    logs.push_back({"DetectedStderr", make, {}, true});
  }
  constexpr std::string_view kPrefix = "%u@%d ";
  for (const bool numbers : {false, true}) {
    const auto make = [=](LogMaker& maker, int records, bool clean) {
      return maker.Syslog(kPrefix, records, numbers, clean);
    };
    logs.push_back({"Syslog", make, {.form = FormKind::kSyslog, .prefix = std::string(kPrefix)}});
    logs.push_back({"DetectedSyslog", make, {}, true});
  }
  const auto heroku = [](LogMaker& maker, int records, bool clean) {
    return maker.Heroku(records, clean);
  };
  logs.push_back({"Heroku", heroku, {.form = FormKind::kHeroku}});
  logs.push_back({"DetectedHeroku", heroku, {}, true});
  const auto pgbouncer = [](LogMaker& maker, int records, bool clean) {
    return maker.Pgbouncer(records, clean);
  };
  logs.push_back({"Pgbouncer", pgbouncer, {.form = FormKind::kPgbouncer}});
  const auto csv = [](LogMaker& maker, int records, bool clean) {
    return maker.CsvLog(records, clean);
  };
  logs.push_back({"Csv", csv, {.form = FormKind::kCsv}});
  const auto json = [](LogMaker& maker, int records, bool clean) {
    return maker.JsonLog(records, clean);
  };
  logs.push_back({"Json", json, {.form = FormKind::kJson}});
  constexpr std::string_view kDebian = "%m [%p] %q%u@%d ";
  logs.push_back({"Cri",
                  [=](LogMaker& maker, int records, bool clean) {
                    return maker.Cri(maker.Stderr(kDebian, records, clean), clean);
                  },
                  {.form = FormKind::kStderr, .prefix = std::string(kDebian)}});
  logs.push_back({"DetectedCri",
                  [=](LogMaker& maker, int records, bool clean) {
                    return maker.Cri(maker.Stderr(kDebian, records, clean), clean);
                  },
                  {},
                  true});
  logs.push_back({"CsvInCri",
                  [](LogMaker& maker, int records, bool clean) {
                    return maker.Cri(maker.CsvLog(records, clean), true);
                  },
                  {.form = FormKind::kCsv}});
  logs.push_back({"Docker",
                  [=](LogMaker& maker, int records, bool clean) {
                    return maker.Docker(maker.Stderr(kDebian, records, clean));
                  },
                  {.prefix = std::string(kDebian)}});
  return logs;
}

// By offset, what the messages say.
using Messages = std::multimap<std::uint64_t, std::string>;

struct Read {
  Messages messages;
  ReaderStats stats;
};

std::string Told(const ReaderStats& stats) {
  std::string out = std::to_string(stats.bytes) + " bytes " + std::to_string(stats.lines) +
                    " lines " + std::to_string(stats.messages) + " messages " +
                    std::to_string(stats.unlabelled) + " unlabelled " +
                    std::to_string(stats.truncated) + " truncated " +
                    std::to_string(stats.prefix_matched) + " of " +
                    std::to_string(stats.prefix_tried) + " unparsed";
  for (const std::uint64_t count : stats.unparsed) out += ' ' + std::to_string(count);
  return out;
}

std::string Told(const ReadPosition& position) {
  std::string out = std::to_string(position.begin()) + "(" + std::to_string(position.end);
  for (const std::uint64_t begin : position.open) out += ' ' + std::to_string(begin);
  return out + ')';
}

class Readings {
 public:
  Readings(const Log& log, std::string bytes, LogMaker& random)
      : log_(log), bytes_(std::move(bytes)), random_(random) {}

  // One reader from the begin to the end.
  Read Once() {
    Read read;
    Reader reader(log_.options, Into(read));
    PushTo(reader, 0, bytes_.size());
    reader.Flush(true);
    read.stats = reader.stats();
    return read;
  }

  // Readers that are lost at some moments.
  Read WithLosses(int losses) {
    Read read;
    ReaderOptions options = log_.options;
    const bool learns = random_.OneIn(2);  // the next reader is told what was found out
    for (int i = 0; i <= losses; ++i) {
      Reader reader(options, Into(read));
      const std::uint64_t begin = options.from.begin();
      const bool last = i == losses;
      const std::size_t room = bytes_.size() - begin;
      const std::size_t size =
          last ? room : random_.Below(random_.OneIn(2) ? room + 1 : room / 8 + 1);
      PushTo(reader, begin, begin + size);
      if (last) reader.Flush(true);
      const ReadPosition position = reader.position();
      EXPECT_GE(position.end, options.from.end);
      EXPECT_LE(position.begin(), position.end);
      EXPECT_EQ(reader.stats().bytes, position.end - options.from.end);
      EXPECT_TRUE(std::is_sorted(position.open.begin(), position.open.end()));
      options.from = position;
      if (learns) {
        if (log_.options.form == FormKind::kAuto) options.form = reader.form();
        if (!log_.options.prefix) options.prefix = reader.prefix();
        options.prefix_detected = !log_.options.prefix;
      }
      read.stats += reader.stats();
      places_ += " " + std::to_string(begin + size) + "->" + Told(position);
    }
    return read;
  }

  std::string places() const { return places_; }

 private:
  static Reader::Sink Into(Read& read) {
    return [&read](const Message& m) { read.messages.emplace(m.offset, Shown(m)); };
  }

  // In pieces of any size.
  void PushTo(Reader& reader, std::size_t begin, std::size_t end) {
    while (begin < end) {
      const std::size_t most = random_.OneIn(3) ? 40 : 4096;
      const std::size_t size = std::min(end - begin, 1 + random_.Below(most));
      const std::vector<char> piece(bytes_.begin() + static_cast<std::ptrdiff_t>(begin),
                                    bytes_.begin() + static_cast<std::ptrdiff_t>(begin + size));
      reader.Push({piece.data(), piece.size()});
      begin += size;
    }
  }

  const Log& log_;
  const std::string bytes_;
  LogMaker& random_;
  std::string places_;
};

std::string Difference(const Messages& found, const Messages& expected) {
  std::string out;
  if (found == expected) return out;
  for (const auto& message : expected) {
    if (std::find(found.begin(), found.end(), message) == found.end()) {
      out += "- " + std::to_string(message.first) + " " + message.second + "\n";
    }
  }
  for (const auto& message : found) {
    if (std::find(expected.begin(), expected.end(), message) == expected.end()) {
      out += "+ " + std::to_string(message.first) + " " + message.second + "\n";
    }
  }
  return out.empty() ? "some came twice\n" : out;
}

class Position : public testing::TestWithParam<Log> {};

TEST_P(Position, LosesNothingAndDeliversNothingTwice) {
  const char* const more = std::getenv("PGB_POSITION_CASES");
  const int cases = more != nullptr ? std::atoi(more) : 120;
  int failures = 0;
  for (int seed = 0; seed < cases && failures < 3; ++seed) {
    LogMaker random(static_cast<std::uint32_t>(seed));
    const int records = seed % 50 == 49 ? 1500 : static_cast<int>(1 + random.Below(60));
    const std::string bytes = GetParam().make(random, records, seed % 3 == 0 || GetParam().clean);
    Readings readings(GetParam(), bytes, random);
    const Read once = readings.Once();
    const Read again = readings.WithLosses(static_cast<int>(1 + random.Below(8)));
    EXPECT_EQ(once.stats.bytes, bytes.size());
    const std::string difference = Difference(again.messages, once.messages);
    if (difference.empty() && Told(again.stats) == Told(once.stats)) continue;
    ++failures;
    ADD_FAILURE() << "seed " << seed << ", lost at" << readings.places() << "\n"
                  << difference << Told(again.stats) << "\ninstead of\n"
                  << Told(once.stats);
  }
}

TEST_P(Position, OffsetOfAMessageIsThatOfItsFirstLine) {
  LogMaker maker(7);
  const std::string bytes = GetParam().make(maker, 500, true);
  std::size_t found = 0;
  Reader reader(GetParam().options, [&](const Message& m) {
    const std::size_t begin = m.text.find('<');
    ASSERT_NE(begin, std::string_view::npos) << m.text;
    const std::string id(m.text.substr(begin, m.text.find('>', begin) + 1 - begin));
    const std::size_t first = bytes.rfind('\n', bytes.find(id)) + 1;
    EXPECT_EQ(m.offset, first) << m.text;
    ++found;
  });
  reader.Push(bytes);
  reader.Flush(true);
  EXPECT_EQ(found, 500U);
}

INSTANTIATE_TEST_SUITE_P(Form, Position, testing::ValuesIn(Logs()), [](const auto& log) {
  return log.param.name + std::to_string(log.index);
});

TEST(ReadPosition, BeginsAtTheFirstOpenRecord) {
  EXPECT_EQ((ReadPosition{.end = 70}).begin(), 70U);
  EXPECT_EQ((ReadPosition{.end = 70, .open = {30, 50}}).begin(), 30U);
  EXPECT_EQ((ReadPosition{.end = 70, .open = {30}, .since = 10}).begin(), 10U);
}

TEST(LineMarks, GoBackSomeLines) {
  LineMarks marks;
  EXPECT_EQ(marks.Before(0), std::nullopt);
  for (std::uint64_t i = 0; i < 100; ++i) marks.Add(i * 1000);
  EXPECT_EQ(marks.Before(99000), 95000U);
  EXPECT_EQ(marks.Before(98999), 94000U);
  EXPECT_EQ(marks.Before(37000), 36000U);
  EXPECT_EQ(marks.Before(35999), std::nullopt);
}

}  // namespace
}  // namespace pgbeacon::log
