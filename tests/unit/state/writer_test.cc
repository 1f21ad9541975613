#include "exporter/state/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "state_support.h"

namespace pgbeacon::state {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kDeadline{30};

/// Submits and waits for what the writer says of it.
bool Write(Writer& writer, std::vector<Row> rows) {
  std::promise<bool> told;
  writer.Submit(std::move(rows), [&](bool durable) { told.set_value(durable); });
  std::future<bool> answer = told.get_future();
  EXPECT_EQ(answer.wait_for(kDeadline), std::future_status::ready);
  return answer.get();
}

bool BecomesDurable(const Writer& writer) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!writer.durable() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  return writer.durable();
}

/// The samples of a family by their only label.
std::map<std::string, double> Samples(const Writer& writer, const std::string& name) {
  Families families;
  writer.AppendFamilies(families);
  std::map<std::string, double> samples;
  for (const Family& family : families) {
    if (family.name != name) continue;
    for (const ClientMetric& metric : family.metric) {
      const std::string label = metric.label.empty() ? "" : metric.label.front().value;
      samples[label] = family.type == MetricType::Histogram
                           ? static_cast<double>(metric.histogram.sample_count)
                       : family.type == MetricType::Counter ? metric.counter.value
                                                            : metric.gauge.value;
    }
  }
  return samples;
}

Store Opened(const std::string& directory) {
  Result<Store> store = Store::Open(directory);
  EXPECT_TRUE(store.ok()) << (store.ok() ? "" : store.error().message);
  return *std::move(store);
}

TEST(Writer, HasWrittenWhenItSaysSo) {
  TempState temp;
  {
    Writer writer(Opened(temp.dir()));
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(Write(writer, {Set(Table::kSeries, "db1", "a", std::to_string(i))}));
    }
    EXPECT_EQ(Samples(writer, "pgbeacon_state_commit_seconds").at(""), 20);
    EXPECT_EQ(Samples(writer, "pgbeacon_state_durable").at(""), 1);
    const std::map<std::string, double> born = {
        {"full", 0}, {"io", 0}, {"readonly", 0}, {"locked", 0}, {"other", 0}};
    EXPECT_EQ(Samples(writer, "pgbeacon_state_errors_total"), born);
  }
  EXPECT_EQ(ContentsOf(temp.dir()).at({Table::kSeries, "db1", "a"}), "19");
}

TEST(Writer, WritesWhatWasSubmittedLastBeforeItGoes) {
  TempState temp;
  {
    Writer writer(Opened(temp.dir()));
    writer.Submit({Set(Table::kSeries, "db1", "a", "1")}, nullptr);
  }
  EXPECT_EQ(ContentsOf(temp.dir()).size(), 1u);
}

TEST(Writer, IsAlwaysDurableAndTellsNothingWithoutAStore) {
  Writer writer(std::nullopt);
  EXPECT_TRUE(Write(writer, {Set(Table::kSeries, "db1", "a", "1")}));
  EXPECT_TRUE(writer.durable());
  Families families;
  writer.AppendFamilies(families);
  EXPECT_TRUE(families.empty());
}

TEST(Writer, TakesRowsFromItsOwnAnswer) {
  TempState temp;
  {
    Writer writer(Opened(temp.dir()));
    std::promise<void> done;
    int left = 50;
    std::function<void(bool)> next = [&](bool durable) {
      EXPECT_TRUE(durable);
      if (--left == 0) return done.set_value();
      writer.Submit({Set(Table::kSeries, "db1", "a", std::to_string(left))}, next);
    };
    writer.Submit({Set(Table::kSeries, "db1", "a", "50")}, next);
    ASSERT_EQ(done.get_future().wait_for(kDeadline), std::future_status::ready);
  }
  EXPECT_EQ(ContentsOf(temp.dir()).at({Table::kSeries, "db1", "a"}), "1");
}

TEST(Writer, KeepsWhatCouldNotBeWrittenAndTriesAgainByItself) {
  TempState temp;
  {
    Writer writer(Opened(temp.dir()));
    fs::rename(temp.file(), temp.file() + ".away");
    EXPECT_FALSE(Write(
        writer, {Set(Table::kSeries, "db1", "a", "1"), Set(Table::kSeries, "db1", "b", "1")}));
    EXPECT_FALSE(Write(writer, {Set(Table::kSeries, "db1", "a", "2")}));
    EXPECT_FALSE(Write(writer, {Remove(Table::kSeries, "db1", "b")}));
    EXPECT_FALSE(writer.durable());
    EXPECT_EQ(Samples(writer, "pgbeacon_state_durable").at(""), 0);
    EXPECT_GE(Samples(writer, "pgbeacon_state_errors_total").at("other"), 1);
    fs::rename(temp.file() + ".away", temp.file());
    EXPECT_TRUE(BecomesDurable(writer)) << "nothing more was submitted";
    EXPECT_TRUE(Write(writer, {Set(Table::kSeries, "db1", "c", "3")}));
  }
  EXPECT_EQ(ContentsOf(temp.dir()),
            (Contents{{{Table::kSeries, "db1", "a"}, "2"}, {{Table::kSeries, "db1", "c"}, "3"}}));
}

/// A device of its own with little room.
class SmallDevice {
 public:
  explicit SmallDevice(std::string path) : path_(std::move(path)) {
    fs::create_directory(path_);
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=600k") == 0;
  }
  SmallDevice(const SmallDevice&) = delete;
  SmallDevice& operator=(const SmallDevice&) = delete;
  ~SmallDevice() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  void MakeReadonly(bool readonly) const {
    mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | (readonly ? MS_RDONLY : 0), "size=600k");
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST(Writer, RecoversFromAFullDevice) {
  TempState temp;
  const SmallDevice device(temp.dir());
  if (!device.mounted()) GTEST_SKIP() << "may not mount a file system here";
  const std::string ballast = temp.dir() + "/ballast";
  {
    Writer writer(Opened(temp.dir()));
    EXPECT_TRUE(Write(writer, {Set(Table::kSeries, "db1", "a", "1")}));
    {
      std::ofstream file(ballast, std::ios::binary);
      while (file << std::string(4096, 'x') << std::flush) {
      }
    }
    bool durable = true;
    for (int i = 0; i < 100; ++i) {
      durable =
          Write(writer, {Set(Table::kSeries, "db1", std::to_string(i), std::string(4000, 'x'))});
    }
    EXPECT_FALSE(durable);
    EXPECT_GE(Samples(writer, "pgbeacon_state_errors_total").at("full"), 1);
    fs::remove(ballast);
    EXPECT_TRUE(BecomesDurable(writer));
  }
  EXPECT_EQ(ContentsOf(temp.dir()).size(), 101u);
}

TEST(Store, TellsADeviceThatMayNotBeWrittenTo) {
  TempState temp;
  const SmallDevice device(temp.dir());
  if (!device.mounted()) GTEST_SKIP() << "may not mount a file system here";
  ASSERT_TRUE(ContentsOf(temp.dir()).empty());
  device.MakeReadonly(true);
  const Result<Store> store = Store::Open(temp.dir());
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, ErrorCode::kDenied) << store.error().message;
  device.MakeReadonly(false);
  EXPECT_TRUE(ContentsOf(temp.dir()).empty());
}

TEST(Writer, MayBeAskedFromAnyThread) {
  TempState temp;
  Writer writer(Opened(temp.dir()));
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    double before = 0;
    while (!stop) {
      const double now = Samples(writer, "pgbeacon_state_commit_seconds").at("");
      EXPECT_GE(now, before);
      before = now;
    }
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(Write(writer, {Set(Table::kSeries, "db1", "a", std::to_string(i))}));
  }
  stop = true;
  reader.join();
}

}  // namespace
}  // namespace pgbeacon::state
