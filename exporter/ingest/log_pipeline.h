// LogPipeline: reads all log sources on a thread of its own and counts what they say.
//
// What was counted is committed every kCommitEvery, every kCommitMessages messages and when
// somebody asks: the series that changed, how far each file was read and which Logplex frames were
// taken, in one transaction of the state. Only what is committed is shown, so that nothing a scrape
// has seen is ever taken back. Without a state the same happens in memory alone.
//
// Example:
//   LogPipeline pipeline(events, {}, {{.name = "pg", .glob = "/var/log/pg.log", .server = "db1"}});
//   pipeline.Start();
//   pipeline.Commit([] { ... });              // what was counted before is committed
//   Families families = pipeline.Collect();   // any thread
//   pipeline.Stop();
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/families.h"
#include "base/mutex.h"
#include "base/result.h"
#include "exporter/fanout/hub.h"
#include "exporter/ingest/authority.h"
#include "exporter/ingest/counting.h"
#include "exporter/ingest/delivery.h"
#include "exporter/ingest/file_source.h"
#include "exporter/ingest/frame_ids.h"
#include "exporter/ingest/frame_source.h"
#include "exporter/ingest/logplex_delivery.h"
#include "exporter/ingest/source_families.h"
#include "exporter/ingest/stdin_source.h"
#include "exporter/ingest/syslog_listeners.h"
#include "exporter/net/asio.h"
#include "exporter/state/writer.h"
#include "logparse/events/catalogue.h"
#include "logparse/tally.h"

namespace pgbeacon::ingest {

/// Borrows the catalogue and the hub. Start(), Stop() and what adds sources are
/// called by one thread; Step() only while the thread does not run; everything
/// else by any.
class LogPipeline : public Counting {
 public:
  static constexpr std::chrono::milliseconds kCommitEvery{200};
  static constexpr std::uint64_t kCommitMessages = 64 * 1024;

  LogPipeline(const log::Catalogue& catalogue, log::TallyOptions options,
              std::vector<SourceOptions> sources);
  LogPipeline(const LogPipeline&) = delete;
  LogPipeline& operator=(const LogPipeline&) = delete;
  ~LogPipeline() override;

  // ---- before Start(), in this order

  /// Goes on from what the state holds and keeps it up to date.
  Status UseState(state::Store store);
  /// Shows every line to the hub.
  void UseHub(fanout::Hub& hub) { hub_ = &hub; }
  /// Opens a listener; its source has the same name.
  Status Listen(SyslogListenerOptions listener, FrameSourceOptions source);
  /// Where the listeners are, by source, with real ports.
  std::vector<std::pair<std::string, std::string>> addresses() const;
  /// Makes the source of Deliver().
  void AcceptDeliveries(FrameSourceOptions source);

  // ---- running

  /// Starts the ingest thread; does nothing without sources.
  void Start();
  /// Ends the thread after the block at hand, counts what is still open and
  /// commits it. The counts stay.
  void Stop();

  /// Whether every source has been looked for once.
  bool ready() const { return ready_; }

  /// The log_line_prefix that the server of that name told. A configured one
  /// wins over it.
  void SetServerPrefix(const std::string& server, const std::string& prefix);

  /// Counts a delivery of Logplex and commits it.
  void Deliver(Delivery delivery, OnTaken on_taken);

  /// Commits what has been counted so far; `done` is called on the ingest
  /// thread, soon, or not before the state can be written again.
  void Commit(std::function<void()> done);

  /// What the logs said and how the sources are, as of the last commit; of the servers that
  /// `shows` names, where it is given.
  Families Collect(const std::function<bool(const std::string& server)>& shows = {});

  /// Whether there are logs of the server, and what they said of it as of the last commit, with the
  /// sources that are its alone: what guards alerts on its log stands on its page.
  bool Knows(const std::string& server);
  Families CollectOf(const std::string& server);

  /// One round over all sources, what the thread does; for tests. Whether there
  /// may be more to read at once.
  bool Step(TimePoint now);

 private:
  /// What is shown besides the counts of the log.
  struct Shown {
    std::vector<NamedStatus> sources;
    std::vector<ListenerStatus> listeners;
    Families deliveries;
  };
  /// What a commit makes known.
  struct Pending {
    std::vector<log::TallyRow> series;
    Shown shown;
    std::vector<OnTaken> taken;
    std::vector<std::function<void()>> committed;
  };

  static std::vector<NamedStatus> SourcesOf(
      const Shown& shown, const std::function<bool(const std::string& server)>& shows);
  int Server(std::string_view name) override;
  void Count(int server, const log::Message& message, log::Written written) override;
  bool shows() const override { return hub_ != nullptr; }
  void Show(const fanout::Line& line) override { hub_->Add(line); }

  void Run();
  bool Restore(const state::Row& row);
  void Adopt(const state::Row& row);
  void AddFile(SourceOptions source);
  void AddFrames(FrameSourceOptions source);
  bool durable() const { return !writer_ || writer_->durable(); }
  bool empty() const;
  bool ReadFiles(TimePoint now);
  void HandleEvents();
  Shown Look() const;
  void MaybeCommit(TimePoint now);
  void BeginCommit(TimePoint now);
  void EndCommit(bool durable);
  void Take(const Delivery& delivery, OnTaken on_taken);

  const log::Catalogue& catalogue_;
  fanout::Hub* hub_ = nullptr;

  // Of the ingest thread, or of the owner's while it does not run.
  net::asio::io_context io_{1};
  log::Tally live_;
  std::map<std::string, Authority> authorities_;  // by server
  std::vector<std::unique_ptr<FileSource>> files_;
  std::unique_ptr<StdinSource> stdin_;
  std::vector<std::unique_ptr<FrameSource>> frames_;
  SyslogListeners listeners_{io_.get_executor()};
  FrameSource* deliveries_ = nullptr;  // one of frames_
  FrameIds frame_ids_;
  std::vector<char> buffer_;
  log::Event event_;
  double unix_now_ = 0;
  std::map<std::string, SourceStatus> saved_;  // by source: as the state has it
  Pending next_;
  Pending under_way_;
  bool committing_ = false;
  TimePoint committed_at_{};
  std::uint64_t counted_ = 0;              // messages since the last commit
  std::unique_ptr<state::Writer> writer_;  // none: memory only

  std::atomic<bool> ready_{false};
  std::atomic<bool> stop_{false};
  mutable Mutex mutex_;
  log::Tally published_ PGB_GUARDED_BY(mutex_);
  Shown shown_ PGB_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace pgbeacon::ingest
