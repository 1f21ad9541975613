// BatchWorker: counts one part of a log: a stream, or a byte range of a plain file.
//
// How ranges of one file add up to exactly one pass over it. A record belongs to the range that its
// first line is in. A range begins at a clean head: a line that the prefix takes and that opens a
// record, after a line that the prefix takes as well. So no line of the range continues a record
// that began before, except lines that carry a session of their own: a DETAIL or STATEMENT of
// another backend whose first line stands before the cut. The server writes the lines of one record
// together and the reader closes a record after kMaxAge lines without news, so these stand near the
// cut. Therefore a range is read past its end, for kTailBytes and kTailLines:
//
//   reader A goes on over the tail: it completes its own records and also finds the tail's;
//   reader B reads the tail alone, as the next range's reader does, and finds only the tail's.
//
// What A finds and B does not are this range's records (messages are compared by a hash of all
// fields), and stats(A) - stats(B) is this range's share: lines that A could join and B could not
// (orphans) are taken back from what the next range counts. Tested by batch_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "exporter/ingest/file.h"
#include "exporter/ingest/input.h"
#include "logparse/events/catalogue.h"
#include "logparse/prefix.h"
#include "logparse/reader.h"
#include "logparse/tally.h"

namespace pgbeacon::ingest {

/// Bytes read at a time.
inline constexpr std::size_t kBatchBlock = std::size_t{256} << 10;

struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// At most `parts` ranges of about one size that cover the file and begin at clean heads; without a
/// prefix at any line, for a log whose records are lines.
std::vector<ByteRange> SplitRanges(const File& file, std::uint64_t size, int parts,
                                   const log::Prefix* prefix);

/// Used by one thread. Borrows the catalogue.
class BatchWorker {
 public:
  using OnMessage = std::function<void(const log::Message&, const log::Event&)>;
  /// Told the bytes of each block.
  using OnBytes = std::function<void(std::uint64_t bytes)>;

  BatchWorker(const log::Catalogue& catalogue, const log::TallyOptions& options,
              const std::string& server, log::ReaderOptions reader);
  BatchWorker(const BatchWorker&) = delete;
  BatchWorker& operator=(const BatchWorker&) = delete;

  void set_on_message(const OnMessage& on_message) { on_message_ = on_message; }
  void set_on_bytes(OnBytes on_bytes) { on_bytes_ = std::move(on_bytes); }

  /// Reads to the end of the stream.
  Status ReadStream(Input& input);
  /// Reads a range of a file of `size` bytes.
  Status ReadRange(const File& file, ByteRange range, std::uint64_t size);

  const log::Tally& tally() const { return tally_; }
  const log::ReaderStats& stats() const { return stats_; }
  std::optional<std::string> prefix() const { return reader_.prefix(); }
  log::FormKind form() const { return reader_.form(); }
  std::string envelope() const { return std::string(reader_.envelope()); }
  const std::string& first_time() const { return first_time_; }
  const std::string& last_time() const { return last_time_; }

 private:
  void Take(const log::Message& message);
  void Count(const log::Message& message);
  void Push(log::Reader& reader, std::span<char> block);
  Status ReadTail(const File& file, std::uint64_t begin, std::uint64_t size);
  Result<std::uint64_t> SurveyTail(const File& file, std::uint64_t begin, std::uint64_t size,
                                   log::Reader& reader);

  const log::Catalogue& catalogue_;
  log::Tally tally_;
  int server_;
  const log::ReaderOptions reader_options_;
  log::Reader reader_;
  OnMessage on_message_;
  OnBytes on_bytes_;
  std::vector<char> buffer_;
  log::Event event_;
  log::ReaderStats stats_;
  bool in_tail_ = false;
  std::unordered_map<std::size_t, std::size_t>
      tail_messages_;  // hash -> how many, of the next range
  std::string first_time_;
  std::string last_time_;
};

}  // namespace pgbeacon::ingest
