#include "exporter/native/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "base/text.h"
#include "exporter/net/descriptor.h"

namespace pgbeacon::native {
namespace {

constexpr int kLookMilliseconds = 50;
constexpr int kDyingMilliseconds = 1000;
constexpr std::size_t kComplaint = 500;
constexpr std::size_t kMostRead = std::size_t{32} << 20;  // at a time

struct Pipe {
  net::Descriptor read, write;
};

std::optional<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return Pipe{net::Descriptor(ends[0]), net::Descriptor(ends[1])};
}

/// A started process; its whole group is killed when this goes.
class Child {
 public:
  Child(pid_t pid, std::optional<pid_t>& survivor) : pid_(pid), survivor_(survivor) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill(-pid_, SIGKILL);
    for (int waited = 0; !Ended(); waited += kLookMilliseconds) {
      if (waited >= kDyingMilliseconds) {
        survivor_ = pid_;
        return;
      }
      poll(nullptr, 0, kLookMilliseconds);
    }
  }

  /// Whether it has ended; its status from then on.
  bool Ended() {
    int status = 0;
    if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
    return status_.has_value();
  }
  int status() const { return *status_; }

 private:
  pid_t pid_;
  std::optional<pid_t>& survivor_;
  std::optional<int> status_;
};

Result<pid_t> Spawn(const std::vector<std::string>& command, const Pipe& out, const Pipe& err) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err.write.get(), STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigaddset(&signals, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  pid_t pid = -1;
  const int failed =
      posix_spawnp(&pid, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (failed == 0) return pid;
  return Error(failed == EACCES ? ErrorCode::kDenied : ErrorCode::kNotFound,
               "cannot run " + command[0] + ": " + std::strerror(failed));
}

/// Appends what there is; false at the end.
bool ReadSome(const net::Descriptor& from, std::string& into) {
  char block[65536];
  for (;;) {
    const ssize_t count = read(from.get(), block, sizeof block);
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    into.append(block, static_cast<std::size_t>(count));
    if (into.size() > kMostRead) return true;
  }
}

std::string StatusText(int status, const std::string& complaints) {
  const std::string_view end = Trim(complaints);
  const std::string last(end.size() > kComplaint ? end.substr(end.size() - kComplaint) : end);
  const std::string how = WIFSIGNALED(status)
                              ? "was ended by signal " + std::to_string(WTERMSIG(status))
                              : "ended with status " + std::to_string(WEXITSTATUS(status));
  return how + (last.empty() ? "" : ": " + ToUtf8(last));
}

}  // namespace

Result<std::string> Command::Run(const CommandLimits& limits, const std::atomic<bool>& stopped) {
  if (survivor_ && waitpid(*survivor_, nullptr, WNOHANG) == 0) {
    return Error(ErrorCode::kTimeout, words_[0] + " of before still runs and cannot be killed");
  }
  survivor_.reset();
  std::optional<Pipe> out = MakePipe();
  std::optional<Pipe> err = MakePipe();
  if (!out || !err) return Error(ErrorCode::kInternal, "cannot make a pipe");
  const Result<pid_t> pid = Spawn(words_, *out, *err);
  if (!pid.ok()) return pid.error();
  Child child(*pid, survivor_);
  out->write = net::Descriptor();
  err->write = net::Descriptor();
  std::string text;
  std::string complaints;
  bool more = true;
  bool more_complaints = true;
  for (bool ended = false; !ended;) {
    if (stopped) return Error(ErrorCode::kUnavailable, "shutting down");
    if (SteadyClock::now() >= limits.deadline) {
      return Error(ErrorCode::kTimeout, words_[0] + " has not ended in time");
    }
    // Its children may keep the pipes open when it has ended.
    ended = child.Ended();
    pollfd ready[] = {{more ? out->read.get() : -1, POLLIN, 0},
                      {more_complaints ? err->read.get() : -1, POLLIN, 0}};
    poll(ready, 2, ended ? 0 : kLookMilliseconds);
    if (more) more = ReadSome(out->read, text);
    if (more_complaints) more_complaints = ReadSome(err->read, complaints);
    if (complaints.size() > 8 * kComplaint) {
      complaints.erase(0, complaints.size() - 4 * kComplaint);
    }
    if (text.size() > limits.bytes) {
      return Error(ErrorCode::kInvalid,
                   words_[0] + " printed more than " + std::to_string(limits.bytes) + " bytes");
    }
  }
  if (child.status() == 0) return text;
  return Error(ErrorCode::kInvalid, words_[0] + " " + StatusText(child.status(), complaints));
}

}  // namespace pgbeacon::native
