// KnownFiles: the files that were read before and are not followed now, as the state or a moment of
// inattention left them. Under which name a file is now, or that it is gone, is found out here.
//
// Example:
//   known.Add(position);
//   KnownFiles::Match match = known.Take(path, info);     // a file was seen: which one is it?
//   KnownFiles::Fates fates = known.Search(folders);      // those that no path leads to
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exporter/ingest/file_position.h"

namespace pgbeacon::ingest {

class KnownFiles {
 public:
  void Add(FilePosition position) { files_.push_back(std::move(position)); }
  const std::vector<FilePosition>& files() const { return files_; }

  struct Match {
    enum class Kind {
      kNew,        ///< not known
      kSame,       ///< the one of `position`
      kRewritten,  ///< `position` was of the same identity, its content is gone
      kUntold,     ///< cannot be looked into now
    };
    Kind kind = Kind::kNew;
    FilePosition position;
    std::string error;  ///< of kUntold
  };
  /// Tells the file that is at the path; a known one is taken out of here.
  Match Take(const std::string& path, const FileInfo& info);

  struct Fates {
    std::vector<std::pair<FilePosition, std::string>> found;  ///< with the path it has now
    std::vector<FilePosition> gone;
  };
  /// Looks for the files in the folders that they were in. What is neither found nor certain to be
  /// gone (the folder is not there, its device not mounted) stays here. `folders`: those in which
  /// the source has files; their device is in place whatever its number.
  Fates Search(const std::set<std::string>& folders);

 private:
  std::vector<FilePosition> files_;
};

}  // namespace pgbeacon::ingest
