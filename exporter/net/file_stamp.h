// FileStamp: tells one version of a file from another without reading it.
//
// Example:
//   const std::string before = FileStamp("server.crt");
//   if (FileStamp("server.crt") != before) Reload();
#pragma once

#include <string>

namespace pgbeacon::net {

/// Changes whenever the file is written, replaced or removed; empty where there is none.
std::string FileStamp(const std::string& file);

}  // namespace pgbeacon::net
