// TempFolder: a new folder, gone with all that is in it at the end of its scope.
//
// Example:
//   TempFolder folder;
//   std::ofstream(folder / "more.yml") << "targets: []";
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace pgbeacon::test {

class TempFolder {
 public:
  TempFolder() : path_(std::filesystem::temp_directory_path() / "pgbeacon-test-XXXXXX") {
    if (!mkdtemp(path_.data())) throw std::runtime_error("no temporary folder " + path_);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(path_); }

  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace pgbeacon::test
