// DirectoryLock: keeps other processes out of a directory until it goes, also by kill -9.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace pgbeacon::state {

class DirectoryLock {
 public:
  /// Makes the directory, for its owner alone, where it is missing. The Error tells what to do.
  static Result<DirectoryLock> Take(const std::string& directory);

  DirectoryLock(DirectoryLock&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace pgbeacon::state
