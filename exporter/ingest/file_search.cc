#include "exporter/ingest/file_search.h"

#include <dirent.h>
#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

namespace pgbeacon::ingest {
namespace {

bool IsCompressed(std::string_view path) {
  constexpr std::array<std::string_view, 6> kSuffixes = {".gz",  ".bz2", ".xz",
                                                         ".zst", ".lz4", ".Z"};
  return std::ranges::any_of(kSuffixes, [&](std::string_view s) { return path.ends_with(s); });
}

/// ".1", "-20261121", ".2026-11-21_14:00"
bool IsRotation(std::string_view suffix) {
  return suffix.size() > 1 && std::string_view(".-_").find(suffix.front()) != suffix.npos &&
         suffix.find_first_not_of("0123456789.-_:T") == suffix.npos;
}

}  // namespace

std::vector<std::string> Glob(const std::string& pattern) {
  glob_t found = {};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  std::erase_if(paths, IsCompressed);
  return paths;
}

bool Names(const std::string& pattern, const std::string& path) {
  std::error_code failed;
  const std::filesystem::path given = std::filesystem::absolute(pattern, failed).lexically_normal();
  const std::string folder = given.parent_path().string();
  const bool plain = folder.find_first_of("*?[") == std::string::npos;
  const std::string whole = (plain ? RealPath(folder) : folder) + "/" + given.filename().string();
  return fnmatch(whole.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0 ||
         RealPath(given.string()) == path;
}

std::string RealPath(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(path, failed);
  return failed ? path : real.string();
}

std::string FolderOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

std::vector<std::pair<std::string, FileInfo>> RotationsOf(const std::string& path) {
  std::vector<std::pair<std::string, FileInfo>> rotations;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(FolderOf(path), failed)) {
    const std::string name = entry.path().string();
    if (!name.starts_with(path) || !IsRotation(std::string_view(name).substr(path.size()))) {
      continue;
    }
    if (const Result<FileInfo> info = StatPath(name); info.ok() && info->regular) {
      rotations.emplace_back(name, *info);
    }
  }
  std::ranges::sort(rotations, {}, [](const auto& file) { return file.second.modified_ns; });
  return rotations;
}

std::optional<std::map<std::uint64_t, std::string>> FindInodes(
    const std::string& folder, const std::vector<std::uint64_t>& inodes) {
  struct Close {
    void operator()(DIR* directory) const { closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(opendir(folder.c_str()));
  if (directory == nullptr) return std::nullopt;
  std::map<std::uint64_t, std::string> found;
  while (const dirent* entry = readdir(directory.get())) {
    if (std::ranges::find(inodes, entry->d_ino) == inodes.end()) continue;
    found.emplace(entry->d_ino, folder + "/" + entry->d_name);
  }
  return found;
}

}  // namespace pgbeacon::ingest
