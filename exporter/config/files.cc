#include "exporter/config/files.h"

#include <glob.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace pgbeacon::config {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

}  // namespace

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error(ErrorCode::kNotFound, "cannot read " + path + ": " + std::strerror(errno));
  }
  std::string text;
  char block[65536];
  while (file.read(block, sizeof block) || file.gcount() > 0) {
    text.append(block, static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxBytes) {
      return Error(ErrorCode::kInvalid, "cannot read " + path + ": larger than 16 MiB");
    }
  }
  if (file.bad()) {
    return Error(ErrorCode::kNotFound, "cannot read " + path + ": " + std::strerror(errno));
  }
  return text;
}

std::vector<std::string> Glob(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

std::string StampOf(const std::vector<std::string>& paths) {
  std::string stamp;
  for (const std::string& path : paths) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) continue;
    stamp += path;
    for (const long long part :
         {static_cast<long long>(status.st_ino), static_cast<long long>(status.st_size),
          static_cast<long long>(status.st_mtim.tv_sec),
          static_cast<long long>(status.st_mtim.tv_nsec)}) {
      stamp += " " + std::to_string(part);
    }
    stamp += "\n";
  }
  return stamp;
}

}  // namespace pgbeacon::config
