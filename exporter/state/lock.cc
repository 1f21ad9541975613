#include "exporter/state/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace pgbeacon::state {
namespace {

Error CannotUse(const std::string& path, int code) {
  const bool denied = code == EACCES || code == EPERM || code == EROFS;
  return {denied ? ErrorCode::kDenied : ErrorCode::kUnavailable,
          path + ": " + std::generic_category().message(code) +
              "; give --state.dir a directory that the user who runs pgbeacon may write to"};
}

/// Who has the lock, as told in its file.
std::string Holder(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t got = pread(descriptor, text.data(), text.size(), 0);
  std::string pid(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  pid.resize(pid.find_last_not_of('\n') + 1);
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

Result<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  std::error_code failed;
  std::filesystem::path named = std::filesystem::path(directory).lexically_normal();
  if (!named.has_filename()) named = named.parent_path();  // it ended in a slash
  std::filesystem::create_directories(named.parent_path(), failed);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return CannotUse(directory, errno);

  const std::string path = directory + "/state.lock";
  DirectoryLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.descriptor_ < 0) return CannotUse(path, errno);
  if (flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return CannotUse(path, errno);
    return Error(ErrorCode::kUnavailable,
                 directory + ": in use by " + Holder(lock.descriptor_) +
                     "; stop it, or give each pgbeacon a --state.dir of its own");
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock.descriptor_, 0) != 0 ||
      pwrite(lock.descriptor_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return CannotUse(path, errno);
  }
  return lock;
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace pgbeacon::state
