#include "exporter/ingest/file_follower.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

namespace pgbeacon::ingest {
namespace {

/// How long ago the file was last written: what is unread is at least as old.
Duration Age(const FileInfo& info) {
  const double seconds = UnixNow() - static_cast<double>(info.modified_ns) / 1e9;
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::max(0.0, seconds)));
}

}  // namespace

FileFollower::FileFollower(const FileInfo& info, std::uint64_t offset, std::uint64_t backlog_end,
                           TimePoint now)
    : id_(info.id),
      offset_(offset),
      size_(info.size),
      backlog_end_(backlog_end),
      caught_up_at_(offset < info.size ? now - Age(info) : now),
      position_checked_(offset == 0) {}

Status FileFollower::Open(const std::string& path) {
  Result<File> file = File::Open(path);
  if (!file.ok()) return file.error();
  const std::optional<FileInfo> info = file->Info();
  if (!info || info->id != id_) {
    return Error(ErrorCode::kNotFound, path + ": replaced by another file");
  }
  file_ = *std::move(file);
  return {};
}

FileFollower::Block FileFollower::Read(std::span<char> buffer, TimePoint now) {
  if (!file_) return {};
  const std::optional<FileInfo> info = file_->Info();
  if (!info) return {};
  size_ = info->size;
  if (!ConfirmUnchanged(*info)) return Restart();
  if (offset_ == size_) {
    caught_up_at_ = now;
    return {};
  }
  if (!position_checked_) {
    std::array<char, 1> before = {'\n'};
    skip_line_ = file_->ReadAt(offset_ - 1, before) == 1u && before[0] != '\n';
    position_checked_ = true;
  }
  const std::size_t got = file_->ReadAt(offset_, buffer).value_or(0);
  if (got == 0) return {};
  // Only now: had the file been replaced before the read, these bytes would be the new content's.
  if (!head_.Confirm(*file_)) return Restart();
  if (buffer[0] == '\0') {
    const std::uint64_t data = std::min(file_->NextData(offset_), size_);
    if (data > offset_ + got) {
      offset_ = data;
      return {.progressed = true};
    }
  }
  offset_ += got;
  if (offset_ >= size_) caught_up_at_ = now;
  return {.bytes = Clean(buffer.first(got)), .progressed = true};
}

bool FileFollower::HasNews(const FileInfo& info) const {
  return info.size != offset_ || info.modified_ns != modified_ns_;
}

/// A shrunk file is other content; one of the size we know may have been rewritten.
bool FileFollower::ConfirmUnchanged(const FileInfo& info) {
  if (info.size < offset_) return false;
  const bool touched = std::exchange(modified_ns_, info.modified_ns) != info.modified_ns;
  return info.size > offset_ || !touched || head_.Confirm(*file_);
}

FileFollower::Block FileFollower::Restart() {
  offset_ = 0;
  backlog_end_ = 0;
  head_ = {};
  skip_line_ = false;
  in_mid_line_ = false;
  position_checked_ = true;
  return {.restarted = true, .progressed = true};
}

/// Without NUL bytes, which truncation under a writer leaves, and without the rest of a line that
/// began before the start.
std::string_view FileFollower::Clean(std::span<char> block) {
  char* end = block.data() + block.size();
  if (std::memchr(block.data(), '\0', block.size()) != nullptr) {
    end = std::remove(block.data(), end, '\0');
  }
  std::string_view text(block.data(), static_cast<std::size_t>(end - block.data()));
  if (skip_line_) {
    const std::size_t newline = text.find('\n');
    skip_line_ = newline == std::string_view::npos;
    text.remove_prefix(skip_line_ ? text.size() : newline + 1);
  }
  if (!text.empty()) in_mid_line_ = text.back() != '\n';
  return text;
}

}  // namespace pgbeacon::ingest
