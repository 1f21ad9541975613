#include "exporter/ingest/file_source.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "exporter/ingest/file_search.h"
#include "exporter/ingest/reader_stats.h"
#include "exporter/ingest/sample.h"
#include "logparse/prefix.h"

namespace pgbeacon::ingest {
namespace {

/// After a half line the rest is waited for so much longer: its writer is not done.
constexpr std::chrono::seconds kHalfLineFlush{10};

std::string Remedy(const Error& error) {
  if (error.code != ErrorCode::kDenied) return "; check the path; trying again";
  return "; give the user that runs pgbeacon read access (on Debian: group adm); trying again";
}

}  // namespace

FileSource::FileSource(SourceOptions options, Authority& authority, Sink sink)
    : options_(std::move(options)),
      authority_(authority),
      sink_(std::move(sink)),
      is_glob_(options_.glob.find_first_of("*?[") != std::string::npos),
      prefix_(options_.prefix) {
  if (!prefix_) return;
  const Result<log::Prefix> valid = log::Prefix::Compile(*prefix_);
  if (valid.ok()) return;
  spdlog::warn(
      "source={}: {}; the prefix is detected instead: set --source.prefix to the server's "
      "log_line_prefix",
      options_.name, valid.error().message);
  prefix_.reset();
}

FileSource::~FileSource() {
  for (const auto& tracked : files_) authority_.Unclaim(tracked->follower.id());
}

void FileSource::Look(TimePoint now) {
  if (now >= next_scan_) {
    Scan(now);
    next_scan_ = now + (is_glob_ ? kScanGlob : kScanPath);
  }
  OpenPending(now);
}

bool FileSource::Read(TimePoint now, std::span<char> buffer, int rank) {
  bool progressed = false;
  for (const auto& tracked : files_) {
    if (Authority::RankOf(tracked->form.form) != rank || !ReadBlock(*tracked, buffer, now)) {
      continue;
    }
    progressed = true;
    if (tracked->gone_since) break;  // a renamed file first, then the one that took its place
  }
  return progressed;
}

void FileSource::EndRound(TimePoint now) {
  Sweep(now);
  Publish(now);
}

void FileSource::Finish() {
  for (const auto& tracked : files_) CloseReader(*tracked, true);
  status_.stats = Totals();
}

void FileSource::TellPrefix(const std::string& prefix) {
  if (options_.prefix || prefix_ == prefix) return;
  if (!log::Prefix::Compile(prefix).ok()) return;
  prefix_ = prefix;
  prefix_warned_ = false;
  at_prefix_ = Totals();
  for (const auto& tracked : files_) {
    if (log::Reader* reader = tracked->reading.reader()) reader->SetPrefix(prefix);
  }
}

// ---- finding files

/// Finds out which files there are and under which name each is now.
void FileSource::Scan(TimePoint now) {
  std::vector<std::pair<std::string, FileInfo>> found;
  std::vector<std::string> paths = Paths();
  std::erase_if(warned_, [&](const std::string& warned) {
    return warned != options_.glob && std::ranges::find(paths, warned) == paths.end();
  });
  for (std::string& path : paths) {
    const Result<FileInfo> info = StatPath(path);
    if (!info.ok()) {
      if (info.error().code != ErrorCode::kNotFound || !is_glob_) {
        WarnOnce(path, info.error().message + Remedy(info.error()));
      }
    } else if (!info->regular) {
      WarnOnce(path, path + ": not a regular file; it is not read");
    } else {
      found.emplace_back(std::move(path), *info);
    }
  }
  if (found.empty() && is_glob_) {
    WarnOnce(options_.glob,
             options_.glob + ": no file matches, or its folder cannot be read; trying again");
  } else if (is_glob_) {
    warned_.erase(options_.glob);
  }
  std::ranges::stable_sort(found, {}, [](const auto& file) { return file.second.modified_ns; });
  for (const auto& tracked : files_) tracked->seen = false;
  for (const auto& [path, info] : found) See(path, info, now);
  FindKnown(now);
  FindMissed(now);
  for (const auto& tracked : files_) {
    if (tracked->seen) {
      tracked->gone_since.reset();
    } else if (!tracked->gone_since) {
      tracked->gone_since = now;
    }
  }
  if (!scanned_ && !seen_before_) {
    if (is_glob_) {
      rotations_since_ = FileClock();
    } else {
      NoRotationsYet(RealPath(options_.glob));
    }
  }
  scanned_ = true;
}

std::vector<std::string> FileSource::Paths() const {
  if (!is_glob_) return {options_.glob};
  return Glob(options_.glob);
}

void FileSource::See(const std::string& path, const FileInfo& info, TimePoint now) {
  const auto tracked = std::ranges::find_if(
      files_, [&](const auto& file) { return file->follower.id() == info.id; });
  if (tracked != files_.end()) {
    TrackedFile& file = **tracked;
    if (!file.seen) file.Name(path);
    file.seen = true;
    LearnForm(file, info);
    if (!file.follower.open() && file.follower.HasNews(info)) {
      file.follower.Note(info);
      file.pending = true;
    }
    return;
  }
  if (foreign_.contains(info.id)) return;
  KnownFiles::Match match = known_.Take(path, info);
  switch (match.kind) {
    case KnownFiles::Match::Kind::kUntold:
      if (!match.error.empty()) WarnOnce(path, match.error + "; trying again");
      return;
    case KnownFiles::Match::Kind::kSame:
      Resume(std::move(match.position), path, info, now);
      return;
    case KnownFiles::Match::Kind::kRewritten:
      CountLost(path, match.position.unread(),
                "holds other content than when it was read last and is read from its beginning");
      Save(match.position.Key(), std::nullopt);
      overwritten_.push_back(match.position.head);
      break;
    case KnownFiles::Match::Kind::kNew:
      break;
  }
  if (Replaces(path)) replaced_.push_back(RealPath(path));
  Begin(path, info, now);
}

bool FileSource::Claim(const std::string& path, const FileId& id) {
  if (authority_.Claim(id, this)) return true;
  foreign_.insert(id);
  WarnOnce(path, path + " is read by another source of server " + options_.server +
                     "; it counts there alone");
  return false;
}

void FileSource::NoteHistory(std::uint64_t offset, const FileInfo& info, TimePoint now) {
  if (!scanned_ && offset < info.size) history_until_ = now + kHistory;
}

/// Takes up a file that is not known.
void FileSource::Begin(const std::string& path, const FileInfo& info, TimePoint now) {
  const FormSample sample = SampleForm(path, info.size);
  if (IsForeign(path, info, sample.form) || !Claim(path, info.id)) return;
  const bool at_start = !scanned_;
  const bool counted = !options_.all_forms && authority_.Succeeds(sample.form);
  const bool at_end = at_start && !seen_before_ ? !options_.from_begin : counted;
  // Records of the moment in which a more telling form is switched on may be lost, for they must
  // not be counted twice.
  const std::uint64_t offset = at_end ? info.size : 0;
  NoteHistory(offset, info, now);
  files_.push_back(std::make_unique<TrackedFile>(
      FileFollower(info, offset, at_start ? info.size : 0, now),
      ReadPlace{.begin = offset, .end = offset, .span = 0, .open = {}}, path, now));
  TrackedFile& tracked = *files_.back();
  if (info.size > 0) tracked.follower.TakeHead(path);
  tracked.form = sample;
  LearnForm(tracked, info);
}

/// Whether a file holds another form of PostgreSQL's log than the source is declared to have.
bool FileSource::IsForeign(const std::string& path, const FileInfo& info, log::FormKind form) {
  const int declared = Authority::RankOf(options_.form);
  const int found = Authority::RankOf(form);
  if (options_.form == log::FormKind::kAuto || form == log::FormKind::kAuto || declared < 0 ||
      found < 0 || declared == found) {
    return false;
  }
  foreign_.insert(info.id);
  WarnOnce(path, fmt::format("{} is in the form {}, the source is declared {}; it is not read",
                             path, log::FormName(form), log::FormName(options_.form)));
  return true;
}

/// Learns the form from what was read, else from the first lines as long as they do not tell, and
/// notes that the file is written to.
void FileSource::LearnForm(TrackedFile& tracked, const FileInfo& info) {
  const log::Reader* reader = tracked.reading.reader();
  const log::FormKind read = reader != nullptr ? reader->form() : log::FormKind::kAuto;
  if (read != log::FormKind::kAuto) {
    tracked.form.form = read;
    tracked.form.by_lines = true;
  } else if (!tracked.form.by_lines && info.size > tracked.form.bytes) {
    tracked.form = SampleForm(tracked.path, info.size);
  }
  if (!options_.all_forms) authority_.Note(tracked.form.form, info.modified_ns);
}

/// Opens what has something to read, oldest first, as far as kOpenFiles allows.
void FileSource::OpenPending(TimePoint now) {
  for (const auto& tracked : files_) {
    if (!tracked->pending || now < tracked->open_again) continue;
    if (!MakeRoom(now)) return;
    const Status opened = tracked->follower.Open(tracked->path);
    tracked->pending = !opened.ok();
    if (opened.ok()) {
      tracked->last_data = now;
      warned_.erase(tracked->path);
      spdlog::debug("source={} following {} from byte {}", options_.name, tracked->path,
                    tracked->follower.offset());
    } else {
      tracked->open_again = now + kScanGlob;
      if (opened.error().code != ErrorCode::kNotFound) {
        WarnOnce(tracked->path, opened.error().message + Remedy(opened.error()));
      }
    }
  }
}

/// Whether one more file may be opened; to that end the one that was quiet longest is closed, of
/// those that end in a half line the last.
bool FileSource::MakeRoom(TimePoint now) {
  std::size_t open = 0;
  TrackedFile* quiet = nullptr;
  const auto rank = [](const TrackedFile& file) {
    return std::pair(file.follower.in_mid_line(), file.last_data);
  };
  for (const auto& tracked : files_) {
    if (!tracked->follower.open()) continue;
    ++open;
    const bool idle = tracked->follower.lag() == 0 && tracked->read_to_end &&
                      (tracked->follower.in_mid_line() ? now - tracked->last_data >= kGrace
                                                       : tracked->last_data < now);
    if (idle && (quiet == nullptr || rank(*tracked) < rank(*quiet))) quiet = tracked.get();
  }
  if (open < kOpenFiles) return true;
  if (quiet == nullptr) return false;
  CloseReader(*quiet, false);
  quiet->follower.Close();
  return true;
}

/// Flushes quiet readers and lets go of files that are done with.
void FileSource::Sweep(TimePoint now) {
  for (const auto& tracked : files_) {
    const Duration patience =
        tracked->follower.in_mid_line() ? Duration(kHalfLineFlush) : Duration(kIdleFlush);
    if (tracked->flushed) continue;
    if (now - tracked->last_data >= patience) {
      tracked->reading.reader()->Flush(false);
      tracked->flushed = true;
      tracked->changed = true;
    } else if (tracked->read_to_end && !tracked->follower.in_mid_line() &&
               now - tracked->aged >= kIdleFlush) {
      tracked->reading.reader()->Age();
      tracked->aged = now;
      tracked->changed = true;
    }
  }
  for (auto it = files_.begin(); it != files_.end();) {
    if (MayForget(**it, now)) {
      Forget(**it);
      it = files_.erase(it);
    } else {
      ++it;
    }
  }
}

/// Whether a file without a path has had its time. A renamed one is still written to until its
/// writer opens the new one: so that must have data, or nothing can write the old one by its name.
bool FileSource::MayForget(const TrackedFile& tracked, TimePoint now) const {
  if (!tracked.gone_since || now - std::max(*tracked.gone_since, tracked.last_data) < kGrace) {
    return false;
  }
  if (!tracked.follower.open()) return !tracked.pending || now < tracked.open_again;
  if (!tracked.read_to_end) return false;
  const std::optional<FileInfo> info = tracked.follower.file()->Info();
  if (!info || info->links == 0) return true;
  bool newer = false;
  for (const auto& other : files_) {
    if (other.get() == &tracked) newer = true;
    if (newer && !other->gone_since && other->follower.offset() + other->follower.lag() > 0) {
      return true;
    }
  }
  return false;
}

/// What became of a file that was closed is to be found out first.
void FileSource::Forget(TrackedFile& tracked) {
  const bool done = tracked.follower.open();
  CloseReader(tracked, done);
  authority_.Unclaim(tracked.follower.id());
  FilePosition position = PositionOf(tracked);
  if (done) {
    Save(position.Key(), std::nullopt);
    rotations_since_ = std::max(rotations_since_, tracked.follower.modified_ns() + 1);
  } else {
    Save(position.Key(), position.Text());
    known_.Add(std::move(position));
  }
}

// ---- reading

bool FileSource::ReadBlock(TrackedFile& tracked, std::span<char> buffer, TimePoint now) {
  FileFollower& follower = tracked.follower;
  const bool backlog = follower.catching_up();
  const Fingerprint head = follower.head();
  const FileFollower::Block block = follower.Read(buffer, now);
  tracked.read_to_end = !block.progressed;
  tracked.changed |= block.progressed || head != follower.head();
  if (block.restarted) {
    CountLost(tracked.path, block.lost,
              "was truncated or rewritten and is read from its beginning");
    CloseReader(tracked, true);
    tracked.reading = FileReading({});
    tracked.go_back = false;
    NoRotationsYet(tracked.real_path);  // what has such a name is a copy
  }
  if (!block.bytes.empty() && tracked.go_back) {
    follower.GoBack(tracked.reading.place().begin);
    tracked.go_back = false;
    return true;
  }
  if (tracked.reading.reader() == nullptr && !tracked.go_back) {
    tracked.reading.SkipTo(follower.offset() - block.bytes.size());
  }
  if (block.bytes.empty()) return block.progressed;
  tracked.backlog = backlog;
  if (tracked.reading.reader() == nullptr) StartReader(tracked);
  tracked.reading.Push(block.offset, block.bytes);
  tracked.last_data = now;
  tracked.flushed = false;
  return true;
}

void FileSource::CloseReader(TrackedFile& tracked, bool end_of_input) {
  log::Reader* reader = tracked.reading.reader();
  if (reader == nullptr) return;
  tracked.prefix = reader->prefix();
  Add(closed_, tracked.reading.Close(end_of_input));
  tracked.go_back = tracked.reading.place().begin < tracked.follower.offset();
  tracked.flushed = true;
  tracked.changed = true;
}

/// A reader for what comes next. What it is not told it first learns from lines that were there
/// before; that it may still correct.
void FileSource::StartReader(TrackedFile& tracked) {
  log::ReaderOptions options;
  options.form = options_.form;
  options.prefix = prefix_ ? prefix_ : tracked.prefix;
  options.prefix_detected = !prefix_;
  const bool told = prefix_ && options_.form != log::FormKind::kAuto;
  tracked.reading.Start(
      std::move(options),
      [this, &tracked](const log::Message& message) { Deliver(tracked, message); },
      told ? std::string() : Sample(tracked, tracked.reading.place().begin));
}

/// Hands on what is not counted from another form of the log.
void FileSource::Deliver(const TrackedFile& tracked, const log::Message& message) {
  const log::FormKind read = tracked.reading.reader()->form();
  const log::FormKind form = read == log::FormKind::kAuto ? tracked.form.form : read;
  if (options_.all_forms || authority_.Take(form, !tracked.backlog)) {
    const std::uint64_t begin = tracked.reading.InFile(message.offset);
    const bool before = begin < tracked.follower.backlog_end();
    sink_(message, before ? log::Written::kBefore : log::Written::kLive);
    return;
  }
  ++status_.duplicates;
  if (!authority_.FirstWarning()) return;
  constexpr std::array<const char*, Authority::kRanks> kForms = {"text", "csv", "json"};
  spdlog::warn(
      "source={}: {} is not counted: it holds the records that the {} log of server {} has as "
      "well; name one form of the log, or set `forms: all` where they are different logs",
      options_.name, tracked.path, kForms[static_cast<std::size_t>(authority_.rank())],
      options_.server);
}

/// Lines of the same source and form: of this file before `offset`, or of the one before it.
std::string FileSource::Sample(const TrackedFile& tracked, std::uint64_t offset) const {
  constexpr std::uint64_t kBytes = std::uint64_t{64} << 10;
  if (offset > 0) {
    const File& file = *tracked.follower.file();
    return SampleBefore(file, std::min(offset, kBytes), kBytes) +
           SampleBefore(file, offset, kBytes);
  }
  std::string sample;
  for (const auto& other : files_) {
    if (other.get() == &tracked) break;
    const bool alike = Authority::RankOf(other->form.form) == Authority::RankOf(tracked.form.form);
    if (alike && other->follower.open()) {
      sample = SampleBefore(*other->follower.file(), other->follower.offset(), kBytes);
    }
  }
  return sample;
}

}  // namespace pgbeacon::ingest
