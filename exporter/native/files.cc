#include "exporter/native/files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "exporter/config/files.h"

namespace pgbeacon::native {
namespace {

constexpr std::size_t kMostPaths = 10'000;
constexpr std::size_t kMostFiles = 1'000'000;  // in all folders

struct Totals {
  double bytes = 0;
  double written = 0;
  std::size_t files = 0;
};

void AddFile(const struct stat& info, Totals& totals) {
  totals.bytes += static_cast<double>(info.st_size);
  totals.written = std::max(totals.written, static_cast<double>(info.st_mtim.tv_sec) +
                                                static_cast<double>(info.st_mtim.tv_nsec) * 1e-9);
  ++totals.files;
}

Status AddFolder(const std::string& path, TimePoint deadline, Totals& totals) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(error)) {
    struct stat info {};
    if (lstat(entry->path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) AddFile(info, totals);
    if (totals.files > kMostFiles) {
      return Error(ErrorCode::kInvalid, path + " has too many files");
    }
    if (SteadyClock::now() >= deadline) {
      return Error(ErrorCode::kTimeout, path + " could not be read in time");
    }
  }
  if (error) return Error(ErrorCode::kDenied, "cannot read " + path + ": " + error.message());
  return {};
}

}  // namespace

Result<std::string> ReadRegularFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return Error(ErrorCode::kInvalid, path + " is no regular file");
  }
  return config::ReadFile(path);
}

Result<collectors::BackupSet> ReadBackupFiles(const std::string& glob, TimePoint deadline) {
  const std::vector<std::string> paths = config::Glob(glob);
  if (paths.size() > kMostPaths) {
    return Error(ErrorCode::kInvalid,
                 glob + " matches more than " + std::to_string(kMostPaths) + " paths");
  }
  collectors::BackupSet set;
  for (const std::string& path : paths) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) continue;  // removed meanwhile
    Totals totals;
    if (S_ISREG(info.st_mode)) {
      AddFile(info, totals);
    } else if (S_ISDIR(info.st_mode)) {
      totals.written = static_cast<double>(info.st_mtim.tv_sec);
      const Status read = AddFolder(path, deadline, totals);
      if (!read.ok()) return read.error();
    } else {
      continue;
    }
    collectors::Backup backup;
    backup.stop = totals.written;
    backup.size = totals.bytes;
    backup.stored = totals.bytes;
    backup.good = totals.bytes > 0;
    set.backups.push_back(std::move(backup));
  }
  return set;
}

}  // namespace pgbeacon::native
