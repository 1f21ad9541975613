#include "exporter/native/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <fstream>
#include <thread>

namespace pgbeacon::native {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class Process : public testing::Test {
 protected:
  Result<std::string> Shell(const std::string& script, milliseconds timeout = milliseconds(20000),
                            std::size_t bytes = 1 << 20) {
    CommandLimits limits;
    limits.deadline = SteadyClock::now() + timeout;
    limits.bytes = bytes;
    return Command({"sh", "-c", script}).Run(limits, stopped_);
  }

  std::atomic<bool> stopped_ = false;
};

TEST_F(Process, GivesWhatTheCommandPrints) {
  const Result<std::string> text = Shell("cat; echo one; echo two >&2; seq 1 20000 | tail -n 1");
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_EQ(*text, "one\n20000\n");
}

TEST_F(Process, HasNoFileOfOurs) {
  const std::ifstream ours(PGB_SOURCE_DIR "/README.md");
  const Result<std::string> text = Shell("ls /proc/self/fd | wc -l");
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, "4\n") << "0, 1, 2 and the one that ls reads";
}

TEST_F(Process, TellsAStatusWithTheEndOfTheComplaint) {
  const Result<std::string> text = Shell("seq 1 100000 >&2; echo no repository >&2; exit 3");
  ASSERT_FALSE(text.ok());
  EXPECT_THAT(text.error().message, HasSubstr("status 3"));
  EXPECT_THAT(text.error().message, HasSubstr("no repository"));
  EXPECT_LT(text.error().message.size(), 1000U);
  EXPECT_THAT(Shell("kill -9 $$").error().message, HasSubstr("signal 9"));
}

TEST_F(Process, KillsTheWholeGroupAtTheDeadline) {
  const TimePoint started = SteadyClock::now();
  const std::string file = testing::TempDir() + "process_test.pid";
  const Result<std::string> text =
      Shell("sleep 100 & echo $! > " + file + "; wait", milliseconds(300));
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, ErrorCode::kTimeout);
  EXPECT_LT(SteadyClock::now() - started, std::chrono::seconds(5));
  std::string pid;
  std::ifstream(file) >> pid;
  ASSERT_FALSE(pid.empty());
  for (int i = 0; i < 200 && std::ifstream("/proc/" + pid + "/stat"); ++i) {
    std::string number, name, state;
    std::ifstream("/proc/" + pid + "/stat") >> number >> name >> state;
    if (state == "Z") break;  // nobody reaps it in some containers
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_LT(i, 199) << "still runs";
  }
}

TEST_F(Process, DoesNotWaitForChildrenThatKeepThePipe) {
  const TimePoint started = SteadyClock::now();
  const Result<std::string> text = Shell("sleep 100 & echo done");
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, "done\n");
  EXPECT_LT(SteadyClock::now() - started, std::chrono::seconds(10));
}

TEST_F(Process, EndsWhatPrintsTooMuchAndWhatIsStopped) {
  const Result<std::string> flood = Shell("yes", milliseconds(20000), 100'000);
  ASSERT_FALSE(flood.ok());
  EXPECT_EQ(flood.error().code, ErrorCode::kInvalid);
  stopped_ = true;
  EXPECT_FALSE(Shell("sleep 100").ok());
}

TEST_F(Process, SleepsWhileACommandPrintsNothingMore) {
  const std::clock_t before = std::clock();
  EXPECT_EQ(Shell("echo text; exec >&- 2>&-; sleep 1").value(), "text\n");
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 2);
}

TEST_F(Process, GivesTheCommandThePipeSignal) {
  std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(Shell("(yes; echo $? >&2) | head -n 1").value(), "y\n");
  std::signal(SIGPIPE, SIG_DFL);
}

TEST_F(Process, TellsAProgramThatIsNotThere) {
  CommandLimits limits;
  limits.deadline = SteadyClock::now() + milliseconds(1000);
  const Result<std::string> text = Command({"/no/such/program"}).Run(limits, stopped_);
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(text.error().message, HasSubstr("/no/such/program"));
}

}  // namespace
}  // namespace pgbeacon::native
