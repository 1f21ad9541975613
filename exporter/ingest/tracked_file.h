// TrackedFile: what a source knows of one of its files.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "exporter/ingest/file_follower.h"
#include "exporter/ingest/file_reading.h"
#include "exporter/ingest/file_search.h"
#include "exporter/ingest/sample.h"

namespace pgbeacon::ingest {

struct TrackedFile {
  TrackedFile(FileFollower file, ReadPlace place, const std::string& name, TimePoint now)
      : follower(std::move(file)), reading(std::move(place)), last_data(now) {
    Name(name);
  }

  void Name(const std::string& name) {
    if (path == name) return;
    path = name;
    real_path = RealPath(name);
    changed = true;
  }

  FileFollower follower;
  FileReading reading;
  FormSample form;
  std::optional<std::string> prefix;  // of an earlier reader
  std::string path;                   // under which it was seen last
  std::string real_path;
  TimePoint last_data;
  TimePoint aged{};                     // Reader::Age() was called
  std::optional<TimePoint> gone_since;  // no path of the source leads to it any more
  bool seen = true;                     // by the scan that runs
  bool pending = true;                  // to be opened and read
  TimePoint open_again{};               // not tried to open before
  bool go_back = false;                 // before more is read, to where reading goes on
  bool read_to_end = false;
  bool backlog = false;  // what was read last was there before pgbeacon was
  bool flushed = true;   // nothing came since the last flush
  bool changed = true;   // since the position was saved
};

}  // namespace pgbeacon::ingest
