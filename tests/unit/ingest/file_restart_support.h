// A file source whose process may die at any moment: what was committed is all that the next one
// has, and what was counted since is forgotten.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/ingest/authority.h"
#include "exporter/ingest/file_source.h"
#include "logparse/reader.h"

namespace pgbeacon::ingest {

/// Messages by what they say.
using Messages = std::map<std::string, int>;

inline log::Reader::Sink Into(Messages& messages) {
  return [&messages](const log::Message& message) {
    ++messages[std::string(message.pid) + "|" + std::string(message.text) + "|" +
               std::string(message.detail) + "|" + std::string(message.statement)];
  };
}

inline int Count(const Messages& messages) {
  int count = 0;
  for (const auto& [text, times] : messages) count += times;
  return count;
}

class Restarted {
 public:
  explicit Restarted(SourceOptions options) : options_(std::move(options)) { Start(); }

  FileSource& source() { return *source_; }
  const Messages& messages() const { return live_; }
  /// How many were written while the process ran, of all processes.
  int live_messages() const { return live_messages_; }
  std::uint64_t lost_bytes() { return source().status().lost_bytes; }
  /// By source and key.
  using Rows = std::map<std::pair<std::string, std::string>, std::string>;
  const Rows& rows() const { return rows_; }

  /// Lets time pass and does one round; whether there may be more.
  bool Step(std::chrono::milliseconds time, std::size_t buffer_bytes = 1 << 16) {
    now_ += time;
    buffer_.resize(buffer_bytes);
    source_->Look(now_);
    bool progressed = false;
    for (int rank = Authority::kRanks - 1; rank >= -1; --rank) {
      progressed |= source_->Read(now_, buffer_, rank);
    }
    source_->EndRound(now_);
    return progressed;
  }

  /// Reads what there is. After so much time what is open is complete.
  void Run(std::chrono::milliseconds time = std::chrono::milliseconds(1100)) {
    int rounds = 0;
    while (Step(time)) {
      time = std::chrono::milliseconds(0);
      ASSERT_LT(++rounds, 100000) << "never comes to an end";
    }
  }

  /// What was counted and how far the files were read go to disk together. How many rows it took.
  std::size_t Commit() {
    std::vector<FileSource::PositionRow> changed;
    source_->SavePositions(changed);
    for (auto& [source, key, value] : changed) {
      if (value) {
        rows_[{source, key}] = *value;
      } else {
        rows_.erase({source, key});
      }
    }
    committed_ = live_;
    status_ = source_->status();
    return changed.size();
  }

  /// All is read, and what was open is complete.
  void Settle() {
    Run();
    Run();
  }

  void Kill() { source_.reset(); }
  /// Killed right after a commit.
  void Die() {
    Commit();
    Kill();
  }
  void Start() {
    live_ = committed_;
    authority_ = Authority();
    source_ = std::make_unique<FileSource>(
        options_, authority_,
        [this, sink = Into(live_)](const log::Message& message, log::Written written) {
          sink(message);
          if (written == log::Written::kLive) ++live_messages_;
        });
    for (const auto& [name, value] : rows_) {
      const auto& [source, key] = name;
      if (source == options_.name) {
        EXPECT_TRUE(source_->Restore(key, value)) << value;
      }
    }
    for (const auto& [name, value] : rows_) {
      const auto& [source, key] = name;
      if (source != options_.name) source_->Adopt(source, key, value);
    }
    source_->RestoreStatus(status_);
  }
  /// As with another line in the configuration.
  void StartAs(SourceOptions options) {
    options_ = std::move(options);
    Start();
  }

  /// Killed right after a commit and started again; all is read.
  void Restart() {
    Die();
    Start();
    Settle();
  }

 private:
  SourceOptions options_;
  Authority authority_;
  Messages live_;
  Messages committed_;
  int live_messages_ = 0;
  SourceStatus status_;
  Rows rows_;
  std::unique_ptr<FileSource> source_;
  std::vector<char> buffer_;
  TimePoint now_ = TimePoint() + std::chrono::hours(1);
};

}  // namespace pgbeacon::ingest
