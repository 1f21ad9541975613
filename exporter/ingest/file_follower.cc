#include "exporter/ingest/file_follower.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
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

void FileFollower::TakeHead(const std::string& path) {
  const Result<File> file = File::Open(path);
  if (!file.ok()) return;
  const std::optional<FileInfo> info = file->Info();
  if (info && info->id == id_) head_.Confirm(*file);
}

FileFollower::Block FileFollower::Read(std::span<char> buffer, TimePoint now) {
  if (!file_) return {};
  const std::optional<FileInfo> info = file_->Info();
  if (!info) return {};
  const std::uint64_t unread = lag();
  size_ = info->size;
  if (!ConfirmUnchanged(*info)) return Restart(unread);
  if (offset_ == size_) {
    caught_up_at_ = now;
    return {};
  }
  if (!position_checked_) {
    std::array<char, 1> before = {'\n'};
    // NUL bytes are no part of a line.
    skip_line_ = file_->ReadAt(offset_ - 1, before) == 1u && before[0] != '\n' && before[0] != '\0';
    position_checked_ = true;
  }
  const std::size_t got = file_->ReadAt(offset_, buffer).value_or(0);
  if (got == 0) return {};
  // Only now: had the file been replaced before the read, these bytes would be the new content's.
  if (!head_.Confirm(*file_)) return Restart(unread);
  if (buffer[0] == '\0') {
    const std::uint64_t data = std::min(file_->NextData(offset_), size_);
    if (data > offset_ + got) {
      offset_ = data;
      return {.progressed = true};
    }
  }
  offset_ += got;
  if (offset_ >= size_) caught_up_at_ = now;
  const std::span<char> bytes = SkipLine(buffer.first(got));
  return {.bytes = bytes, .offset = offset_ - bytes.size(), .progressed = true};
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

FileFollower::Block FileFollower::Restart(std::uint64_t lost) {
  offset_ = 0;
  backlog_end_ = 0;
  head_ = {};
  skip_line_ = false;
  in_mid_line_ = false;
  position_checked_ = true;
  return {.restarted = true, .progressed = true, .lost = lost};
}

/// Without the rest of a line that began before the start.
std::span<char> FileFollower::SkipLine(std::span<char> block) {
  if (skip_line_) {
    const std::string_view text(block.data(), block.size());
    const std::size_t newline = text.find('\n');
    skip_line_ = newline == std::string_view::npos;
    block = skip_line_ ? block.last(0) : block.subspan(newline + 1);
  }
  const auto last = std::find_if(block.rbegin(), block.rend(), [](char c) { return c != '\0'; });
  if (last != block.rend()) in_mid_line_ = *last != '\n';
  return block;
}

}  // namespace pgbeacon::ingest
