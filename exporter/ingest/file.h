// File: a file opened for reading, and what tells one file from another.
//
// Example:
//   Result<File> file = File::Open("/var/log/postgresql/postgresql.log");
//   const std::size_t got = file->ReadAt(offset, buffer);
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

namespace pgbeacon::ingest {

/// Device and inode. An inode is used again after deletion, so a file that was closed meanwhile is
/// told by its head as well (Fingerprint).
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;  // NOLINT
};

struct FileInfo {
  FileId id;
  std::uint64_t size = 0;
  std::uint64_t links = 0;
  std::int64_t modified_ns = 0;  ///< since the Unix epoch
  bool regular = false;
};

/// What stat(2) says of a path, symbolic links followed; the Error names the path and the reason.
Result<FileInfo> StatPath(const std::string& path);

/// Nanoseconds since the Unix epoch by the kernel's clock for files: none that is written from now
/// on is older.
std::int64_t FileClock();

/// Owns a descriptor.
class File {
 public:
  /// Opens for reading without ever blocking on a FIFO. The Error names the path and the reason.
  static Result<File> Open(const std::string& path);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  std::optional<FileInfo> Info() const;

  /// Bytes read into `buffer`: 0 at the end of the file; nothing on an error of the device.
  std::optional<std::size_t> ReadAt(std::uint64_t offset, std::span<char> buffer) const;

  /// The first offset from `offset` on that holds data: past a hole of a sparse file.
  std::uint64_t NextData(std::uint64_t offset) const;

  int descriptor() const { return descriptor_; }

 private:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

/// The head of a file as it was seen: a file whose first bytes differ is another one.
struct Fingerprint {
  static constexpr std::size_t kBytes = 1024;

  std::size_t length = 0;
  std::uint32_t hash = 0;  ///< CRC-32, for it stands in the state

  /// Whether `file` still begins with the bytes seen; if so, takes up those that it has gained.
  bool Confirm(const File& file);
  auto operator<=>(const Fingerprint&) const = default;  // NOLINT
};

}  // namespace pgbeacon::ingest
