// Whatever happens to the files and whenever the process dies, all is counted once: thousands of
// random histories, each compared with one pass over all that was written.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "file_restart_support.h"
#include "temp_files.h"

namespace pgbeacon::ingest {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

struct Shape {
  const char* name;
  bool by_name;        // rotation makes files of other names instead of renaming the old ones
  const char* prefix;  // configured, or null: detected
  bool truncates;      // rotation copies the file and truncates it (copytruncate)
  bool csv;
};

class History {
 public:
  History(const Shape& shape, unsigned seed) : shape_(shape), random_(seed), log_(Options()) {
    log_.Step(milliseconds(0));  // the source was seen before there was a file
    log_.Commit();
    Make();
  }

  void Run() {
    for (int i = 0; i < 60 && !testing::Test::HasFailure(); ++i) Act();
    Complete();
    for (int i = 0; i < 3; ++i) log_.Run(std::chrono::seconds(11));
  }

  void Compare() {
    Messages once;
    log::ReaderOptions options;
    options.form = shape_.csv ? log::FormKind::kCsv : log::FormKind::kAuto;
    if (shape_.prefix != nullptr) options.prefix = shape_.prefix;
    log::Reader reader(options, Into(once));
    reader.Push(written_);
    reader.Flush(true);
    EXPECT_EQ(reader.stats().unparsed, log::ReaderStats().unparsed) << "all of it can be read";
    std::string wrong;
    for (const auto& [text, times] : once) {
      const auto counted = log_.messages().find(text);
      if (counted == log_.messages().end()) wrong += "lost: " + text + "\n";
    }
    for (const auto& [text, times] : log_.messages()) {
      const auto said = once.find(text);
      if (said == once.end() || said->second != times) {
        wrong += std::to_string(times) + " times: " + text + "\n";
      }
    }
    EXPECT_EQ(wrong, "") << story_;
    const log::ReaderStats& stats = log_.source().status().stats;
    EXPECT_EQ(stats.bytes, written_.size()) << story_;
    EXPECT_EQ(stats.lines, reader.stats().lines) << story_;
    EXPECT_EQ(stats.messages, reader.stats().messages) << story_;
    EXPECT_EQ(stats.unparsed, reader.stats().unparsed) << story_;
    EXPECT_EQ(log_.source().status().lost_bytes, 0u) << story_;
  }

 private:
  SourceOptions Options() {
    SourceOptions options = From(folder_ / (shape_.by_name ? "log-*" : "log"), false, std::nullopt);
    if (shape_.prefix != nullptr) options.prefix = shape_.prefix;
    if (shape_.csv) options.form = log::FormKind::kCsv;
    return options;
  }

  int Choose(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  void Tell(const std::string& what) { story_ += what + "\n"; }

  void Act() {
    switch (Choose(11)) {
      case 0:
      case 1:
      case 2:
        return Write(1 + Choose(30));
      case 3:
      case 4:
      case 5:
        return Look(false);
      case 6:
        return Look(true);
      case 7:
        Tell("commit");
        log_.Commit();
        return;
      case 8:
        Tell("kill");
        log_.Kill();
        for (int i = Choose(4); i > 0; --i) Choose(3) == 0 ? Rotate() : Write(Choose(20));
        Tell("start");
        log_.Start();
        return;
      case 9:
        return Rotate();
      default:
        return DeleteConsumed();
    }
  }

  /// Some records of interleaved sessions; the end of the last line may come later.
  void Write(int records) {
    Tell("write");
    std::string text = rest_;
    std::vector<std::vector<std::string>> open;
    while (records > 0 || !open.empty()) {
      if (records > 0 && open.size() < 3) {
        --records;
        open.push_back(MakeRecord());
      }
      auto& record = open[static_cast<std::size_t>(Choose(static_cast<int>(open.size())))];
      text += record.front();
      record.erase(record.begin());
      std::erase_if(open, [](const auto& lines) { return lines.empty(); });
    }
    auto torn = std::min(text.size(), static_cast<std::size_t>(Choose(3) == 0 ? Choose(90) : 0));
    // Silence after a whole line would mean that its record is complete.
    if (torn > 0 && torn < text.size() && text[text.size() - torn - 1] == '\n') --torn;
    rest_ = text.substr(text.size() - torn);
    Put(text.substr(0, text.size() - torn));
  }

  std::vector<std::string> MakeRecord() {
    const std::string number = std::to_string(++number_);
    if (shape_.csv) {
      return {"2026-11-20 22:09:45." + std::to_string(100 + number_ % 900) +
              " UTC,\"app\",\"shop\"," + std::to_string(100 + Choose(9)) +
              ",\"[local]\",655d0f1a.7b,1,\"idle\",2026-11-20 22:00:00 "
              "UTC,3/4,0,ERROR,42P01,\"no\ntable " +
              number + "\",,,,,,\"SELECT\n\n" + number + "\",,,\"psql\",\"client backend\",,0\n"};
    }
    const std::string head = "2026-11-20 22:09:45." + std::to_string(100 + number_ % 900) +
                             " UTC [" + std::to_string(100 + number_) + "] ";
    switch (Choose(3)) {
      case 0:
        return {head + "LOG:  duration: 1.5 ms  statement: SELECT " + number + "\n"};
      case 1:
        return {head + "ERROR:  relation \"t" + number + "\" does not exist at character 15\n",
                head + "STATEMENT:  SELECT 1\n\tFROM t" + number + "\n\tWHERE true\n"};
      default:
        return {
            head + "ERROR:  duplicate key value violates unique constraint \"k" + number + "\"\n",
            head + "DETAIL:  Key (id)=(" + number + ") already exists.\n",
            head + "STATEMENT:  INSERT\n\tINTO t\n"};
    }
  }

  void Put(const std::string& text) {
    Append(files_.back(), text);
    written_ += text;
    committed_all_ = false;
  }

  /// The writer's line and record are whole before it turns to another file.
  void Complete() { Put(std::exchange(rest_, {})); }

  void Make() {
    files_.push_back(shape_.by_name ? folder_ / ("log-" + std::to_string(1000 + made_++))
                                    : folder_ / "log");
    Append(files_.back(), "");
  }

  void Rotate() {
    if (shape_.truncates) return Truncate();
    Tell("rotate");
    Complete();
    if (!shape_.by_name) {
      const std::string old = folder_ / ("log." + std::to_string(++made_));
      fs::rename(files_.back(), old);
      files_.back() = old;
    }
    Make();
    if (Choose(2) == 0) Write(1 + Choose(5));
  }

  /// Reads a part of what there is, or all and for so long that nothing is open.
  void Look(bool all) {
    Tell(all ? "read all" : "read");
    if (all) {
      log_.Run(milliseconds(1100));
      log_.Run(milliseconds(1100));
      log_.Commit();
      committed_all_ = rest_.empty();
      return;
    }
    const int sizes[] = {50, 333, 4096, 65536};
    const auto size = static_cast<std::size_t>(sizes[Choose(4)]);
    for (int i = Choose(6); i >= 0; --i) log_.Step(milliseconds(Choose(100)), size);
  }

  void DeleteConsumed() {
    if (!committed_all_ || files_.size() < 2) return;
    Tell("delete");
    while (files_.size() > 1) {
      fs::remove(files_.front());
      files_.erase(files_.begin());
    }
  }

  void Truncate() {
    if (!committed_all_) return;
    Tell("copytruncate");
    fs::copy_file(files_.back(), folder_ / ("log." + std::to_string(++made_)));
    fs::resize_file(files_.back(), 0);
  }

  const Shape& shape_;
  std::mt19937 random_;
  TempFolder folder_;
  Restarted log_;
  std::vector<std::string> files_;
  std::string written_;
  std::string rest_;
  std::string story_;
  int number_ = 0;
  int made_ = 0;
  bool committed_all_ = false;
};

class FileCrash : public testing::TestWithParam<Shape> {};

TEST_P(FileCrash, LosesNothingAndCountsNothingTwice) {
  for (unsigned seed = 1; seed <= 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(GetParam(), seed);
    history.Run();
    history.Compare();
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FileCrash,
                         testing::Values(Shape{"Renamed", false, "%m [%p] ", false, false},
                                         Shape{"Truncated", false, "%m [%p] ", true, false},
                                         Shape{"NamedByTime", true, "%m [%p] ", false, false},
                                         Shape{"PrefixDetected", false, nullptr, false, false},
                                         Shape{"Csv", false, nullptr, false, true}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace pgbeacon::ingest
