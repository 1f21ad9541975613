// Which files there are: by a pattern, and by identity inside a folder.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/ingest/file.h"

namespace pgbeacon::ingest {

/// The paths that a glob(7) pattern fits, unsorted, without what rotation compressed.
std::vector<std::string> Glob(const std::string& pattern);

/// Whether a path or glob, as configured, stands for the file at the absolute path, whichever way
/// its folder is spelt.
bool Names(const std::string& pattern, const std::string& path);

/// The absolute path without symbolic links; the path itself where that cannot be told.
std::string RealPath(const std::string& path);
/// The folder of an absolute path.
std::string FolderOf(const std::string& path);

/// The files that rotation made of the one at the path, as far as their names tell: the path and a
/// number or a date behind it. Oldest first.
std::vector<std::pair<std::string, FileInfo>> RotationsOf(const std::string& path);

/// Names of files by inode, of those asked for; nothing where the folder cannot be read.
std::optional<std::map<std::uint64_t, std::string>> FindInodes(
    const std::string& folder, const std::vector<std::uint64_t>& inodes);

}  // namespace pgbeacon::ingest
