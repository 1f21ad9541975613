// FileReading: the reader of one file, and how far that came in terms of the file. It can begin
// where another one left off, also in another process.
//
// Example:
//   FileReading reading(place);                       // as saved; {} for the beginning
//   reading.Start(options, sink, sample);
//   reading.Push(place.begin, bytes);                 // of the file from there on
//   Save(reading.place());
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/ingest/file_position.h"
#include "logparse/reader.h"

namespace pgbeacon::ingest {

class FileReading {
 public:
  explicit FileReading(ReadPlace place) : place_(std::move(place)) {}

  /// Before Start(): what comes next lies at `offset`, where nothing is to be read again.
  void SkipTo(std::uint64_t offset) {
    if (place_.span == 0) place_.begin = place_.end = offset;
  }
  /// Makes the reader. It first learns from `sample`, whole lines that are not counted.
  void Start(log::ReaderOptions options, log::Reader::Sink sink, std::string_view sample);
  /// Gives the reader what the file holds at `offset`, but for NUL bytes, which truncation under a
  /// writer leaves; `bytes` may be changed. The first ones are those at place().begin.
  void Push(std::uint64_t offset, std::span<char> bytes);
  /// Delivers what is open and ends the reader. What it had not read yet is read again by the next
  /// one, unless `end_of_input`: then nothing is left. Its counts.
  log::ReaderStats Close(bool end_of_input);

  /// Null between Close() and Start().
  log::Reader* reader() const { return reader_.get(); }
  /// Whether what comes next was read before, by a reader before this one.
  bool reads_again() const { return reader_ != nullptr && pushed_ < counts_from_; }
  /// How far the file was read.
  ReadPlace place() const;
  /// Where the file has what the reader calls its byte `pushed`; not of what was delivered before.
  std::uint64_t InFile(std::uint64_t pushed) const;

 private:
  /// From `pushed` bytes for the reader on, they are those of the file from `offset` on.
  struct Run {
    std::uint64_t pushed;
    std::uint64_t offset;
  };
  void AddRun(std::uint64_t offset, std::uint64_t size);
  void ForgetRuns();

  ReadPlace place_;  // where the reader began, or what the last one left
  std::unique_ptr<log::Reader> reader_;
  std::vector<Run> runs_;    // ascending
  std::uint64_t begin_ = 0;  // behind the sample: the reader's byte at place_.begin
  std::uint64_t counts_from_ = 0;
  std::uint64_t pushed_ = 0;
};

}  // namespace pgbeacon::ingest
