#include "exporter/ingest/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "ingest_support.h"

namespace pgbeacon::ingest {
namespace {

using testing::HasSubstr;

/// Records of many backends as a server writes them, with secondary lines, statements of several
/// lines and now and then the lines of two backends interleaved.
std::string ServerLog(int records, unsigned seed) {
  std::mt19937 random(seed);
  const auto head = [&](int pid, const char* label) {
    return "2026-11-20 22:09:" + std::to_string(10 + random() % 50) + ".301 UTC [" +
           std::to_string(pid) + "] app@shop " + label + ":  ";
  };
  std::string log;
  for (int i = 0; i < records; ++i) {
    const int pid = 100 + static_cast<int>(random() % 7);
    switch (random() % 5) {
      case 0:
        log += head(pid, "ERROR") + "relation \"t" + std::to_string(i) + "\" does not exist\n" +
               head(pid, "STATEMENT") + "select *\n\tfrom t\n\twhere a = 1\n";
        break;
      case 1:
        log += head(pid, "ERROR") + "duplicate key value violates unique constraint \"u\"\n";
        log += head(pid + 50, "LOG") + "duration: 0.5 ms  statement: select 1\n";
        log += head(pid, "DETAIL") + "Key (id)=(" + std::to_string(i) + ") already exists.\n";
        log += head(pid, "STATEMENT") + "insert into t values (1)\n";
        break;
      case 2:
        log += head(pid, "LOG") + "duration: 12.25 ms  execute <unnamed>: select\n\t$1\n" +
               head(pid, "DETAIL") + "parameters: $1 = 'LOG:  not a label'\n";
        break;
      case 3:
        log += "2026-11-20 22:09:45.301 UTC [9] LOG:  checkpoint starting: time\n";
        break;
      default:
        log += head(pid, "LOG") + "duration: " + std::to_string(random() % 100) +
               ".125 ms  statement: select 1\n";
    }
  }
  return log;
}

struct Outcome {
  std::string text;  // every family and figure
  Status status;
};

std::string Describe(const Batch& batch) {
  std::string text;
  Families families = batch.tally().Collect(0);
  Normalize(families);
  for (const Family& family : families) {
    for (const ClientMetric& sample : family.metric) {
      text += family.name;
      for (const auto& label : sample.label) text += "," + label.name + "=" + label.value;
      text += " " + std::to_string(sample.counter.value) + " " +
              std::to_string(sample.gauge.value) + " " +
              std::to_string(sample.histogram.sample_count) + " " +
              std::to_string(sample.histogram.sample_sum);
      for (const auto& bucket : sample.histogram.bucket) {
        text += " " + std::to_string(bucket.cumulative_count);
      }
      text += "\n";
    }
  }
  const log::ReaderStats& stats = batch.stats();
  for (const std::uint64_t figure : {stats.bytes, stats.lines, stats.messages, stats.truncated,
                                     stats.prefix_matched, stats.prefix_tried}) {
    text += std::to_string(figure) + " ";
  }
  for (const std::uint64_t lines : stats.unparsed) text += std::to_string(lines) + " ";
  return text + batch.prefix().value_or("no prefix") + " " + batch.first_time() + " " +
         batch.last_time();
}

Outcome Read(const std::string& path, int threads,
             std::optional<std::string> prefix = std::nullopt) {
  BatchOptions options;
  options.server = "db1";
  options.threads = threads;
  options.smallest_range = 1;
  options.prefix = std::move(prefix);
  Batch batch(TestCatalogue(), options);
  Status status = batch.Read(path);
  return {Describe(batch), std::move(status)};
}

void WriteGzip(const std::string& path, std::string_view text) {
  gzFile file = gzopen(path.c_str(), "wb1");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
}

TEST(Batch, CountsTheSameWithAnyNumberOfThreads) {
  TempFolder folder;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const int records = seed % 2 == 0 ? 20000 : 60;
    Overwrite(folder / "log", ServerLog(records, seed));
    const Outcome one = Read(folder / "log", 1);
    ASSERT_TRUE(one.status.ok());
    for (const int threads : {2, 3, 7}) {
      EXPECT_EQ(Read(folder / "log", threads).text, one.text)
          << threads << " threads, seed " << seed;
    }
  }
}

TEST(Batch, CountsTheSameWithCutsThroughLongRecords) {
  TempFolder folder;
  std::string log = ServerLog(30, 1);
  for (int i = 0; i < 40; ++i) {
    log +=
        "2026-11-20 22:09:45.301 UTC [77] app@shop ERROR:  division by zero\n"
        "2026-11-20 22:09:45.301 UTC [77] app@shop STATEMENT:  select\n";
    for (int line = 0; line < 3000; ++line) log += "\t  column_" + std::to_string(line) + ",\n";
    log += ServerLog(2, static_cast<unsigned>(i));
  }
  Overwrite(folder / "log", log);
  const Outcome one = Read(folder / "log", 1);
  for (const int threads : {2, 3, 7}) EXPECT_EQ(Read(folder / "log", threads).text, one.text);
}

TEST(Batch, CountsTrueOrphansOnceWithAnyNumberOfThreads) {
  TempFolder folder;
  std::string log = ServerLog(20, 3);
  for (int i = 0; i < 3000; ++i) {
    log += ServerLog(2, static_cast<unsigned>(i));
    log += "2026-11-20 22:09:45.301 UTC [99" + std::to_string(i) + "] app@shop DETAIL:  of none\n";
  }
  Overwrite(folder / "log", log);
  const Outcome one = Read(folder / "log", 1);
  EXPECT_THAT(one.text, HasSubstr(" 0 0 0 0 3000 "));
  for (const int threads : {2, 3, 7}) EXPECT_EQ(Read(folder / "log", threads).text, one.text);
}

TEST(Batch, ReadsALogWithoutPrefixInOnePassWhateverTheThreads) {
  TempFolder folder;
  std::string log;
  for (int i = 0; i < 2000; ++i)
    log += "app[postgres.1]: LOG: unexpected EOF on client connection\n";
  Overwrite(folder / "log", log);
  EXPECT_EQ(Read(folder / "log", 7).text, Read(folder / "log", 1).text);
}

TEST(Batch, ReadsGzipLikeThePlainFile) {
  TempFolder folder;
  const std::string log = ServerLog(20000, 5);
  Overwrite(folder / "log", log);
  WriteGzip(folder / "log.gz", log);
  const Outcome zipped = Read(folder / "log.gz", 2);
  EXPECT_TRUE(zipped.status.ok());
  EXPECT_EQ(zipped.text, Read(folder / "log", 1).text);
}

TEST(Batch, ReadsGzipOfSeveralMembers) {
  TempFolder folder;
  WriteGzip(folder / "a", Records(2));
  WriteGzip(folder / "b", Records(3));
  for (const char* part : {"a", "b"}) {
    std::ifstream in(folder / part, std::ios::binary);
    Append(folder / "log.gz", std::string(std::istreambuf_iterator<char>(in), {}));
  }
  Batch batch(TestCatalogue(), {.server = "db1"});
  EXPECT_TRUE(batch.Read(folder / "log.gz").ok());
  EXPECT_EQ(batch.stats().messages, 5u);
}

TEST(Batch, TellsATruncatedOrDamagedGzipFileAndCountsWhatItCould) {
  TempFolder folder;
  WriteGzip(folder / "log.gz", ServerLog(50000, 1));
  const auto size = std::filesystem::file_size(folder / "log.gz");
  std::filesystem::copy(folder / "log.gz", folder / "damaged.gz");
  std::filesystem::resize_file(folder / "log.gz", size / 2);
  Batch truncated(TestCatalogue(), {});
  const Status cut = truncated.Read(folder / "log.gz");
  ASSERT_FALSE(cut.ok());
  EXPECT_THAT(cut.error().message, HasSubstr("log.gz: gzip file is truncated"));
  EXPECT_GT(truncated.stats().messages, 1000u);
  std::fstream file(folder / "damaged.gz", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size / 2));
  file << std::string(64, 'x');
  file.close();
  Batch damaged(TestCatalogue(), {});
  const Status bad = damaged.Read(folder / "damaged.gz");
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().message, HasSubstr("damaged.gz: gzip file is damaged"));
}

TEST(Batch, TellsWhatItCannotRead) {
  TempFolder folder;
  Overwrite(folder / "plain.gz", Records(3));
  std::filesystem::create_directory(folder / "folder");
  const struct {
    const char* name;
    const char* message;
  } cases[] = {
      {"missing", "No such file"}, {"plain.gz", "not a gzip file"}, {"folder", "is a folder"}};
  for (const auto& c : cases) {
    const Outcome outcome = Read(folder / c.name, 2);
    ASSERT_FALSE(outcome.status.ok()) << c.name;
    EXPECT_THAT(outcome.status.error().message, HasSubstr(folder / c.name));
    EXPECT_THAT(outcome.status.error().message, HasSubstr(c.message));
  }
}

TEST(Batch, AddsFilesUp) {
  TempFolder folder;
  Overwrite(folder / "a", Records(2));
  Overwrite(folder / "b", Records(3));
  Overwrite(folder / "empty", "");
  Batch batch(TestCatalogue(), {.server = "db1"});
  for (const char* name : {"a", "empty", "b"}) EXPECT_TRUE(batch.Read(folder / name).ok());
  EXPECT_EQ(batch.stats().messages, 5u);
  EXPECT_EQ(Value(batch.tally().Collect(0), "pg_log_messages_total", {{"severity", "LOG"}}), 5);
}

TEST(Batch, TellsMessagesInTheOrderOfTheLogAndItsProgress) {
  TempFolder folder;
  Overwrite(folder / "log", Records(5000));
  Batch batch(TestCatalogue(), {.prefix = "%m [%p] ", .threads = 4, .smallest_range = 1});
  int next = 0;
  std::uint64_t told = 0;
  batch.set_on_message([&](const log::Message& message, const log::Event&) {
    EXPECT_EQ(message.text, "hello " + std::to_string(next++));
  });
  batch.set_on_progress([&](std::uint64_t done, std::uint64_t size) {
    EXPECT_GE(done, told);
    EXPECT_LE(done, size);
    told = done;
  });
  EXPECT_TRUE(batch.Read(folder / "log").ok());
  EXPECT_EQ(next, 5000);
  EXPECT_EQ(told, std::filesystem::file_size(folder / "log"));
}

TEST(Batch, KeepsItsMemoryWhateverTheSize) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory hides it";
#endif
  TempFolder folder;
  std::string piece = ServerLog(20000, 1);
  for (int i = 0; i < 60; ++i) Append(folder / "log", piece);       // some 150 MB
  Append(folder / "log", std::string(std::size_t{20} << 20, 'x'));  // a line of 20 MiB
  piece = std::string();
  struct rusage before = {};
  getrusage(RUSAGE_SELF, &before);
  const Outcome outcome = Read(folder / "log", 2);
  EXPECT_TRUE(outcome.status.ok());
  struct rusage after = {};
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 40 * 1024) << "KiB";
}

}  // namespace
}  // namespace pgbeacon::ingest
