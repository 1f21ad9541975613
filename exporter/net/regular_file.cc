#include "exporter/net/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "exporter/net/descriptor.h"
#include "exporter/net/read_ends.h"

namespace pgbeacon::net {
namespace {

Error CannotRead(ErrorCode code, const std::string& path, const std::string& reason) {
  return Error(code, "cannot read " + path + ": " + reason);
}

Error CannotRead(const std::string& path, int number) {
  const bool absent = number == ENOENT || number == ENOTDIR;
  const bool denied = number == EACCES || number == EPERM;
  const ErrorCode code = absent   ? ErrorCode::kNotFound
                         : denied ? ErrorCode::kDenied
                                  : ErrorCode::kUnavailable;
  return CannotRead(code, path, std::strerror(number));
}

const char* KindOf(mode_t mode) {
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

Error WrongKind(const std::string& path, mode_t mode) {
  return CannotRead(ErrorCode::kInvalid, path,
                    std::string("it is ") + KindOf(mode) + ", expected a regular file");
}

/// Programs that want an empty file there are given this one.
bool IsNull(const struct stat& info) {
  struct stat null {};
  return S_ISCHR(info.st_mode) && stat("/dev/null", &null) == 0 && info.st_rdev == null.st_rdev;
}

}  // namespace

Result<std::string> ReadRegularFile(const std::string& path) { return ReadRegularFile(path, path); }

Result<std::string> ReadRegularFile(const std::string& path, const std::string& shown) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0) return CannotRead(shown, errno);
  if (!S_ISREG(info.st_mode)) return WrongKind(shown, info.st_mode);
  std::string text;
  char block[65536];
  while (const ssize_t count = read(file.get(), block, sizeof block)) {
    if (count < 0) return CannotRead(shown, errno);
    text.append(block, static_cast<std::size_t>(count));
    if (text.size() > kMostFileBytes) {
      return CannotRead(ErrorCode::kInvalid, shown, "it is larger than 16 MiB");
    }
  }
  return text;
}

Status CheckReadEnds(const std::string& path, const std::string& shown) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0 || S_ISDIR(info.st_mode) || IsNull(info)) return {};
  if (!S_ISREG(info.st_mode)) return WrongKind(shown, info.st_mode);
  char first;
  [[maybe_unused]] const ssize_t got = read(file.get(), &first, 1);  // that it ends is what counts
  return {};
}

}  // namespace pgbeacon::net
