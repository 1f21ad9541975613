// LogPipeline: follows log sources on a thread of its own and counts what they say.
//
// Example:
//   LogPipeline pipeline(events, {}, {{.name = "pg", .glob = "/var/log/pg.log", .server = "db1"}});
//   pipeline.Start();
//   Families families = pipeline.Collect();   // any thread
//   pipeline.Stop();
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/families.h"
#include "base/mutex.h"
#include "exporter/ingest/authority.h"
#include "exporter/ingest/file_source.h"
#include "logparse/events/catalogue.h"
#include "logparse/tally.h"

namespace pgbeacon::ingest {

/// Borrows the catalogue. All members may be called from any thread, Step() only while the thread
/// does not run.
class LogPipeline {
 public:
  LogPipeline(const log::Catalogue& catalogue, log::TallyOptions options,
              std::vector<SourceOptions> sources);
  LogPipeline(const LogPipeline&) = delete;
  LogPipeline& operator=(const LogPipeline&) = delete;
  ~LogPipeline();

  /// Starts the ingest thread; does nothing without sources.
  void Start();
  /// Ends the thread after the block at hand and counts what is still open. The counts stay.
  void Stop();

  /// Whether every source has been looked for once.
  bool ready() const { return ready_; }

  /// The log_line_prefix that the server of that name told. A configured one wins over it.
  void SetServerPrefix(const std::string& server, const std::string& prefix);

  /// What the logs said and how the sources are. Waits for one block at most.
  Families Collect();

  /// One round over all sources, what the thread does; for tests. Whether there may be more to read
  /// at once.
  bool Step(TimePoint now);

 private:
  void Run();
  void Count(int server, const log::Message& message);
  void Guarded(const std::function<void()>& work);

  const log::Catalogue& catalogue_;
  Mutex mutex_;
  std::condition_variable_any wake_;
  std::atomic<int> waiting_{0};  // Collect() calls that want the mutex
  std::atomic<bool> ready_{false};
  log::Tally tally_ PGB_GUARDED_BY(mutex_);
  bool stop_ PGB_GUARDED_BY(mutex_) = false;
  std::map<std::string, std::string> told_ PGB_GUARDED_BY(mutex_);
  std::map<std::string, Authority> authorities_;  // by server
  std::vector<std::unique_ptr<FileSource>> sources_;
  std::vector<char> buffer_;
  log::Event event_;
  double unix_now_ = 0;
  std::thread thread_;
};

}  // namespace pgbeacon::ingest
