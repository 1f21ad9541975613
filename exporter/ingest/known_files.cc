#include "exporter/ingest/known_files.h"

#include <algorithm>
#include <map>

#include "exporter/ingest/file_search.h"

namespace pgbeacon::ingest {
namespace {

enum class Content { kSame, kOther, kUntold };

/// Whether the file at the path still begins as the position says and holds what was read of it.
Content Compare(const FilePosition& position, const std::string& path, const FileInfo& info,
                std::string* why) {
  const Result<File> file = File::Open(path);
  if (!file.ok()) {
    if (why != nullptr) *why = file.error().message;
    return Content::kUntold;
  }
  const std::optional<FileInfo> opened = file->Info();
  if (!opened || opened->id != info.id) return Content::kUntold;
  Fingerprint head = position.head;
  return opened->size >= position.place.end && head.Confirm(*file) ? Content::kSame
                                                                   : Content::kOther;
}

/// The same for a path that has the inode of the file.
Content Find(const FilePosition& file, const std::string& path) {
  const Result<FileInfo> info = StatPath(path);
  if (!info.ok()) return Content::kUntold;
  const bool likely = info->id == file.id || file.head.length > 0;
  if (!info->regular || info->id.inode != file.id.inode || !likely) return Content::kOther;
  return Compare(file, path, *info, nullptr);
}

}  // namespace

KnownFiles::Match KnownFiles::Take(const std::string& path, const FileInfo& info) {
  const auto take = [this](auto at, Match::Kind kind) {
    Match match{kind, std::move(*at), {}};
    files_.erase(at);
    return match;
  };
  Match match;
  const auto same = std::ranges::find(files_, info.id, &FilePosition::id);
  if (same != files_.end()) {
    switch (Compare(*same, path, info, &match.error)) {
      case Content::kSame:
        return take(same, Match::Kind::kSame);
      case Content::kOther:
        return take(same, Match::Kind::kRewritten);
      case Content::kUntold:
        match.kind = Match::Kind::kUntold;
        return match;
    }
  }
  // Devices get other numbers when they are mounted anew.
  for (auto at = files_.begin(); at != files_.end(); ++at) {
    if (at->id.inode != info.id.inode || at->head.length == 0) continue;
    if (Compare(*at, path, info, nullptr) == Content::kSame) return take(at, Match::Kind::kSame);
  }
  return match;
}

KnownFiles::Fates KnownFiles::Search(const std::set<std::string>& folders) {
  std::map<std::string, std::vector<std::uint64_t>> wanted;
  for (const FilePosition& file : files_) wanted[FolderOf(file.path)].push_back(file.id.inode);
  Fates fates;
  for (const auto& entry : wanted) {
    const std::string& folder = entry.first;
    const auto names = FindInodes(folder, entry.second);
    const Result<FileInfo> place = StatPath(folder);
    if (!names || !place.ok()) continue;
    std::erase_if(files_, [&](FilePosition& file) {
      if (FolderOf(file.path) != folder) return false;
      const auto name = names->find(file.id.inode);
      const std::string path = name == names->end() ? std::string() : name->second;
      switch (path.empty() ? Content::kOther : Find(file, path)) {
        case Content::kUntold:
          return false;
        case Content::kSame:
          fates.found.emplace_back(std::move(file), path);
          return true;
        case Content::kOther:
          break;
      }
      if (place->id.device != file.id.device && !folders.contains(folder)) return false;
      fates.gone.push_back(std::move(file));
      return true;
    });
  }
  return fates;
}

}  // namespace pgbeacon::ingest
