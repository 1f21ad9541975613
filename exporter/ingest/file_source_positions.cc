// How far a FileSource has read: rows for the state, and files known from such rows.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "exporter/ingest/file_search.h"
#include "exporter/ingest/file_source.h"

namespace pgbeacon::ingest {
namespace {

// Rows beside those of files: Authority::taken(), and rotations_since_.
constexpr const char* kRankKey = "counted_rank";
constexpr const char* kRotationsKey = "rotations_since";

/// So many bytes tell a copy of a file from another one that begins in the same second; so does all
/// of a shorter one.
constexpr std::size_t kTellingHead = 256;

bool IsNumberKey(const std::string& key) { return key == kRankKey || key == kRotationsKey; }

std::optional<std::int64_t> Number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

bool FileSource::Restore(const std::string& key, const std::string& value) {
  if (IsNumberKey(key)) {
    if (!RestoreNumber(key, value)) return false;
  } else {
    std::optional<FilePosition> position = FilePosition::Parse(key, value);
    if (!position) return false;
    known_.Add(*std::move(position));
  }
  seen_before_ = true;
  saves_ = true;
  saved_[key] = value;
  return true;
}

bool FileSource::RestoreNumber(const std::string& key, const std::string& value) {
  const std::optional<std::int64_t> number = Number(value);
  if (!number) return false;
  if (key == kRankKey) {
    authority_.RestoreTaken(static_cast<int>(*number));
  } else {
    rotations_since_ = std::max(rotations_since_, *number);
  }
  return true;
}

bool FileSource::Adopt(const std::string& source, const std::string& key,
                       const std::string& value) {
  if (IsNumberKey(key)) {  // stands behind the files of its source
    const bool took = std::ranges::count(adopted_, source, &PositionRow::source) > 0;
    if (!took || !RestoreNumber(key, value)) return false;
    adopted_.push_back({source, key, std::nullopt});
    return true;
  }
  std::optional<FilePosition> position = FilePosition::Parse(key, value);
  if (!position || saved_.contains(key) || !Names(options_.glob, position->path)) return false;
  spdlog::info("source={}: {} goes on where the source {} had read to, which is configured no more",
               options_.name, position->path, source);
  known_.Add(*std::move(position));
  seen_before_ = true;
  saves_ = true;
  Save(key, value);
  adopted_.push_back({source, key, std::nullopt});
  return true;
}

void FileSource::RestoreStatus(const SourceStatus& status) {
  closed_ = status.stats;
  at_prefix_ = status.stats;
  status_ = status;
}

void FileSource::SavePositions(std::vector<PositionRow>& changed) {
  if (!scanned_) return;
  saves_ = true;
  Save(kRankKey, std::to_string(authority_.taken()));
  Save(kRotationsKey, std::to_string(rotations_since_));
  for (const auto& tracked : files_) {
    if (!std::exchange(tracked->changed, false)) continue;
    const FilePosition position = PositionOf(*tracked);
    Save(position.Key(), position.Text());
  }
  for (auto& [key, value] : std::exchange(changed_, {})) {
    changed.push_back({options_.name, key, std::move(value)});
  }
  for (PositionRow& row : std::exchange(adopted_, {})) changed.push_back(std::move(row));
}

void FileSource::Save(const std::string& key, std::optional<std::string> value) {
  if (!saves_) return;
  const auto saved = saved_.find(key);
  if (value) {
    if (saved != saved_.end() && saved->second == *value) return;
    saved_[key] = *value;
  } else {
    if (saved == saved_.end()) return;
    saved_.erase(saved);
  }
  changed_[key] = std::move(value);
}

FilePosition FileSource::PositionOf(const TrackedFile& tracked) const {
  FilePosition position;
  position.id = tracked.follower.id();
  position.head = tracked.follower.head();
  position.path = tracked.real_path;
  position.size = tracked.follower.size();
  position.place = tracked.reading.place();
  position.form = tracked.form.form;
  const log::Reader* reader = tracked.reading.reader();
  if (!options_.prefix) position.prefix = reader != nullptr ? reader->prefix() : tracked.prefix;
  return position;
}

/// Goes on with a file where it was left.
void FileSource::Resume(FilePosition position, const std::string& path, const FileInfo& info,
                        TimePoint now) {
  const std::string key = position.Key();
  position.id = info.id;
  if (position.Key() != key) Save(key, std::nullopt);
  if (IsForeign(path, info, position.form) || !Claim(path, info.id)) {
    Save(position.Key(), std::nullopt);
    return;
  }
  const ReadPlace& place = position.place;
  // Open records are completed at once, for nothing may come after them; the rest can wait for
  // more.
  const std::uint64_t offset = place.open.empty() ? place.end : place.begin;
  NoteHistory(place.end, info, now);
  auto tracked = std::make_unique<TrackedFile>(
      FileFollower(info, offset, scanned_ ? 0 : info.size, now), place, path, now);
  tracked->follower.Expect(position.head);
  tracked->go_back = place.begin < offset;
  tracked->prefix = position.prefix;
  const bool formed = position.form != log::FormKind::kAuto;
  tracked->form = {position.form, formed, formed ? info.size : 0};
  LearnForm(*tracked, info);
  spdlog::debug("source={} {} is known and read from byte {} on", options_.name, path, place.end);
  files_.push_back(std::move(tracked));
}

/// Looks for the files that are known and that no path leads to.
void FileSource::FindKnown(TimePoint now) {
  if (known_.files().empty()) return;
  std::set<std::string> folders;
  for (const auto& tracked : files_) folders.insert(FolderOf(tracked->real_path));
  KnownFiles::Fates fates = known_.Search(folders);
  const auto first = static_cast<std::ptrdiff_t>(files_.size());
  for (auto& [position, path] : fates.found) {
    const Result<FileInfo> info = StatPath(path);
    const bool tracked = std::ranges::any_of(
        files_, [&](const auto& file) { return info.ok() && file->follower.id() == info->id; });
    // After the start only what has more: it was followed long enough.
    if (!info.ok() || tracked || (scanned_ && info->size <= position.place.end)) {
      Save(position.Key(), std::nullopt);
      if (info.ok()) rotations_since_ = std::max(rotations_since_, info->modified_ns + 1);
      continue;
    }
    spdlog::info("source={}: {} is {} now; it is read to its end", options_.name, position.path,
                 path);
    const std::size_t before = files_.size();
    Resume(std::move(position), path, *info, now);
    if (files_.size() > before) files_.back()->seen = false;
  }
  // Before those that took their place.
  std::rotate(files_.begin(), files_.begin() + first, files_.end());
  std::size_t read = 0;
  for (const FilePosition& gone : fates.gone) {
    Save(gone.Key(), std::nullopt);
    if (gone.unread() > 0) {
      CountLost(gone.path, gone.unread(), "was removed");
    } else {
      ++read;
    }
  }
  if (read > 0) {
    spdlog::info(
        "source={}: {} of the files read before are gone; all that was seen of them had been read",
        options_.name, read);
  }
}

/// Whether a new file at the path stands where another one may have stood before.
bool FileSource::Replaces(const std::string& path) const {
  if (!is_glob_) return scanned_ || seen_before_;
  const std::string real = RealPath(path);
  return std::ranges::any_of(files_, [&](const auto& file) { return file->real_path == real; }) ||
         std::ranges::find(known_.files(), real, &FilePosition::path) != known_.files().end();
}

/// Looks for what was rotated away before it was seen at its path.
void FileSource::FindMissed(TimePoint now) {
  for (const std::string& replaced : std::exchange(replaced_, {})) {
    const auto first = static_cast<std::ptrdiff_t>(files_.size());
    for (const auto& [path, info] : RotationsOf(replaced)) {
      if (info.modified_ns < rotations_since_ || info.size == 0 || HasRead(path, info)) continue;
      spdlog::info("source={}: {} was rotated before it was read; it is read now", options_.name,
                   path);
      const std::size_t before = files_.size();
      Begin(path, info, now);
      if (files_.size() > before) files_.back()->seen = false;
    }
    const auto successor = std::find_if(files_.begin(), files_.begin() + first, [&](auto& file) {
      return file->real_path == replaced && file->seen;
    });
    std::rotate(successor, files_.begin() + first, files_.end());
    if (!overwritten_.empty()) NoRotationsYet(replaced);
  }
  overwritten_.clear();
}

/// What rotation has left of the path up to now is not to be read, or is read already.
void FileSource::NoRotationsYet(const std::string& path) {
  for (const auto& [name, info] : RotationsOf(path)) {
    rotations_since_ = std::max(rotations_since_, info.modified_ns + 1);
  }
}

/// Whether the file is one of ours, or a copy of one.
bool FileSource::HasRead(const std::string& path, const FileInfo& info) const {
  if (foreign_.contains(info.id)) return true;
  const Result<File> file = File::Open(path);
  if (!file.ok()) return false;
  const auto is = [&](const FileId& id, Fingerprint head) {
    const bool telling = head.length >= kTellingHead || head.length == info.size;
    return id == info.id || (telling && head.Confirm(*file));
  };
  return std::ranges::any_of(
             files_,
             [&](const auto& other) { return is(other->follower.id(), other->follower.head()); }) ||
         std::ranges::any_of(known_.files(),
                             [&](const auto& known) { return is(known.id, known.head); }) ||
         std::ranges::any_of(overwritten_, [&](const auto& head) { return is({}, head); });
}

void FileSource::CountLost(const std::string& path, std::uint64_t bytes, const char* what) {
  if (bytes == 0) {
    spdlog::info("source={}: {} {}; whether something was written last and not read is not known",
                 options_.name, path, what);
    return;
  }
  status_.lost_bytes += bytes;
  ++status_.dropped[static_cast<std::size_t>(Dropped::kDisk)];
  spdlog::warn("source={}: {} {}; {} bytes are lost unread", options_.name, path, what, bytes);
}

}  // namespace pgbeacon::ingest
