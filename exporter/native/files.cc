#include "exporter/native/files.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"

namespace pgbeacon::native {
namespace {

constexpr std::size_t kMostPaths = 10'000;
constexpr std::size_t kMostFiles = 1'000'000;  // in all folders

struct Totals {
  double bytes = 0;
  double written = 0;
  std::size_t files = 0;
};

Error CannotRead(const std::string& path, int number) {
  const bool absent = number == ENOENT || number == ENOTDIR;
  const bool denied = number == EACCES || number == EPERM;
  return Error(absent   ? ErrorCode::kNotFound
               : denied ? ErrorCode::kDenied
                        : ErrorCode::kUnavailable,
               "cannot read " + path + ": " + std::strerror(number));
}

Error Late(const std::string& path) {
  return Error(ErrorCode::kTimeout, path + " could not be read in time");
}

/// Appends what matches one part of a glob in a folder. A folder that is not there has nothing.
Status MatchIn(const std::string& folder, const std::string& part, TimePoint deadline,
               std::vector<std::string>& found) {
  std::error_code error;
  std::filesystem::directory_iterator entry(folder.empty() ? "." : folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (SteadyClock::now() >= deadline) return Late(folder);
    if (fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
    if (found.size() == kMostPaths) {
      return Error(ErrorCode::kInvalid,
                   folder + part + " matches more than " + std::to_string(kMostPaths) + " paths");
    }
    found.push_back(folder + name);
  }
  if (!error || error.value() == ENOENT || error.value() == ENOTDIR) return {};
  return CannotRead(folder, error.value());
}

/// As glob(3), within a bound and a time, and with an Error where a folder may not be read.
Result<std::vector<std::string>> Expand(const std::string& glob, TimePoint deadline) {
  std::vector<std::string> paths = {""};
  const std::vector<std::string> parts = Split(glob, '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string end = i + 1 < parts.size() ? "/" : "";
    std::vector<std::string> found;
    for (const std::string& path : paths) {
      if (parts[i].find_first_of("*?[\\") == std::string::npos) {
        found.push_back(path + parts[i]);
        continue;
      }
      const Status matched = MatchIn(path, parts[i], deadline, found);
      if (!matched.ok()) return matched.error();
    }
    for (std::string& path : found) path += end;
    paths = std::move(found);
  }
  return paths;
}

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
    if (SteadyClock::now() >= deadline) return Late(path);
  }
  if (error) return CannotRead(path, error.value());
  return {};
}

}  // namespace

Result<collectors::BackupSet> ReadBackupFiles(const std::string& glob, TimePoint deadline) {
  const Result<std::vector<std::string>> paths = Expand(glob, deadline);
  if (!paths.ok()) return paths.error();
  collectors::BackupSet set;
  for (const std::string& path : *paths) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;  // not there, or no longer
      return CannotRead(path, errno);
    }
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
