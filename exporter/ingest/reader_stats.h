// Sums of log::ReaderStats over the readers of one source or one file. Differences of sums may pass
// below zero on the way: unsigned arithmetic takes that back.
#pragma once

#include "logparse/reader.h"

namespace pgbeacon::ingest {

inline void Add(log::ReaderStats& sum, const log::ReaderStats& more) {
  sum.bytes += more.bytes;
  sum.lines += more.lines;
  sum.messages += more.messages;
  sum.unlabelled += more.unlabelled;
  sum.truncated += more.truncated;
  sum.prefix_matched += more.prefix_matched;
  sum.prefix_tried += more.prefix_tried;
  for (std::size_t i = 0; i < sum.unparsed.size(); ++i) sum.unparsed[i] += more.unparsed[i];
}

inline void Subtract(log::ReaderStats& sum, const log::ReaderStats& less) {
  sum.bytes -= less.bytes;
  sum.lines -= less.lines;
  sum.messages -= less.messages;
  sum.unlabelled -= less.unlabelled;
  sum.truncated -= less.truncated;
  sum.prefix_matched -= less.prefix_matched;
  sum.prefix_tried -= less.prefix_tried;
  for (std::size_t i = 0; i < sum.unparsed.size(); ++i) sum.unparsed[i] -= less.unparsed[i];
}

}  // namespace pgbeacon::ingest
