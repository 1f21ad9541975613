#include "exporter/ingest/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

namespace pgbeacon::ingest {
namespace {

Error SystemError(const std::string& path, int code) {
  const ErrorCode kind = code == ENOENT || code == ENOTDIR ? ErrorCode::kNotFound
                         : code == EACCES || code == EPERM ? ErrorCode::kDenied
                                                           : ErrorCode::kUnavailable;
  return {kind, path + ": " + std::generic_category().message(code)};
}

std::uint32_t Crc(const char* bytes, std::size_t size) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes), static_cast<uInt>(size)));
}

FileInfo ToInfo(const struct stat& status) {
  FileInfo info;
  info.id = {status.st_dev, status.st_ino};
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.links = status.st_nlink;
  info.modified_ns = status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
  info.regular = S_ISREG(status.st_mode);
  return info;
}

}  // namespace

Result<FileInfo> StatPath(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return SystemError(path, errno);
  return ToInfo(status);
}

std::int64_t FileClock() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

Result<File> File::Open(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return SystemError(path, errno);
  return File(descriptor);
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::optional<FileInfo> File::Info() const {
  struct stat status = {};
  if (fstat(descriptor_, &status) != 0) return std::nullopt;
  return ToInfo(status);
}

std::optional<std::size_t> File::ReadAt(std::uint64_t offset, std::span<char> buffer) const {
  while (true) {
    const ssize_t got =
        pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return std::nullopt;
  }
}

std::uint64_t File::NextData(std::uint64_t offset) const {
  const off_t data = lseek(descriptor_, static_cast<off_t>(offset), SEEK_DATA);
  return data < 0 ? offset : static_cast<std::uint64_t>(data);
}

bool Fingerprint::Confirm(const File& file) {
  std::array<char, kBytes> buffer;
  const std::size_t got = file.ReadAt(0, buffer).value_or(0);
  if (got < length) return false;
  if (Crc(buffer.data(), length) != hash) return false;
  if (got > length) {
    length = got;
    hash = Crc(buffer.data(), got);
  }
  return true;
}

}  // namespace pgbeacon::ingest
