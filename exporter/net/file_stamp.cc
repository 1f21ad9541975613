#include "exporter/net/file_stamp.h"

#include <sys/stat.h>

#include <cstdint>

namespace pgbeacon::net {

std::string FileStamp(const std::string& file) {
  std::string stamp;
  struct stat found {};
  if (file.empty() || stat(file.c_str(), &found) != 0) return stamp;
  for (const auto part :
       {static_cast<std::int64_t>(found.st_dev), static_cast<std::int64_t>(found.st_ino),
        static_cast<std::int64_t>(found.st_size), static_cast<std::int64_t>(found.st_mtim.tv_sec),
        static_cast<std::int64_t>(found.st_mtim.tv_nsec)}) {
    stamp += std::to_string(part) + " ";
  }
  return stamp;
}

}  // namespace pgbeacon::net
