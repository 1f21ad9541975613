#include "exporter/ingest/log_pipeline.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "exporter/ingest/show.h"
#include "exporter/ingest/source_rows.h"

namespace pgbeacon::ingest {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
constexpr std::chrono::milliseconds kPoll{200};
constexpr std::chrono::milliseconds kTurn{5};  // of the network, between looks at files
constexpr std::chrono::seconds kLastCommit{5};

}  // namespace

LogPipeline::LogPipeline(const log::Catalogue& catalogue, log::TallyOptions options,
                         std::vector<SourceOptions> sources)
    : catalogue_(catalogue),
      live_(catalogue, options),
      buffer_(kBlockBytes),
      published_(catalogue, std::move(options)) {
  for (SourceOptions& source : sources) AddFile(std::move(source));
}

LogPipeline::~LogPipeline() { Stop(); }

// ---- sources

void LogPipeline::AddFile(SourceOptions source) {
  const auto named = [&](const auto& other) { return other->options().name == source.name; };
  if (std::ranges::any_of(files_, named) || (stdin_ && named(stdin_))) {
    spdlog::warn(
        "source={}: named twice; the second one is ignored, it would "
        "count again",
        source.name);
    return;
  }
  const std::string server = source.server;
  const int handle = live_.Server(server);
  {
    MutexLock lock(mutex_);
    published_.Server(server);
  }
  auto sink = [this, server, handle, process = std::string(), text = std::string()](
                  const log::Message& message, log::Written written) mutable {
    Count(handle, message, written);
    if (hub_ != nullptr) hub_->Add(LineOf(message, server, process, text));
  };
  if (source.glob == "-") {
    stdin_ = std::make_unique<StdinSource>(
        std::move(source), STDIN_FILENO,
        [sink](const log::Message& message) mutable { sink(message, log::Written::kLive); });
  } else {
    files_.push_back(
        std::make_unique<FileSource>(std::move(source), authorities_[server], std::move(sink)));
  }
}

void LogPipeline::AddFrames(FrameSourceOptions source) {
  frames_.push_back(std::make_unique<FrameSource>(std::move(source), *this));
  frames_.back()->RestoreStatus(saved_[frames_.back()->options().name]);
}

Status LogPipeline::Listen(SyslogListenerOptions listener, FrameSourceOptions source) {
  AddFrames(std::move(source));
  return listeners_.Open(std::move(listener), *frames_.back());
}

std::vector<std::pair<std::string, std::string>> LogPipeline::addresses() const {
  const std::vector<std::string> addresses = listeners_.addresses();
  std::vector<std::pair<std::string, std::string>> named;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    named.emplace_back(frames_[i]->options().name, addresses[i]);
  }
  return named;
}

void LogPipeline::AcceptDeliveries(FrameSourceOptions source) {
  AddFrames(std::move(source));
  deliveries_ = frames_.back().get();
}

bool LogPipeline::empty() const { return files_.empty() && frames_.empty() && !stdin_; }

// ---- the thread

void LogPipeline::Start() {
  if (empty()) {
    ready_ = true;
  } else if (!thread_.joinable()) {
    {
      MutexLock lock(mutex_);
      shown_ = Look();
    }
    listeners_.Start();
    thread_ = std::thread([this] { Run(); });
  }
}

void LogPipeline::Stop() {
  if (stop_.exchange(true)) return;
  if (thread_.joinable()) {
    net::asio::post(io_, [] {});  // wakes it
    thread_.join();
  }
  if (empty()) return;
  listeners_.Stop();
  for (const auto& source : files_) source->Finish();
  if (stdin_) stdin_->Finish();
  for (const auto& source : frames_) source->Finish();
  const TimePoint deadline = SteadyClock::now() + kLastCommit;
  bool committed = false;
  Commit([&] { committed = true; });
  const auto work = net::asio::make_work_guard(io_);
  while (!committed && SteadyClock::now() < deadline) {
    if (io_.stopped()) io_.restart();
    io_.run_one_for(kPoll);
    MaybeCommit(SteadyClock::now());
  }
}

void LogPipeline::Run() {
  const auto work = net::asio::make_work_guard(io_);
  while (!stop_) {
    if (!Step(SteadyClock::now()) && !stop_) io_.run_one_for(kPoll);
  }
}

bool LogPipeline::Step(TimePoint now) {
  unix_now_ = UnixNow();
  HandleEvents();
  const bool progressed = ReadFiles(now);
  for (const auto& source : frames_) source->EndRound(now);
  MaybeCommit(now);
  return progressed;
}

/// Lets the network have its turn: what is ready, up to a time and to the size
/// of a commit.
void LogPipeline::HandleEvents() {
  if (io_.stopped()) io_.restart();
  const TimePoint until = SteadyClock::now() + kTurn;
  while (counted_ < kCommitMessages && io_.poll_one() > 0 && SteadyClock::now() < until) {
  }
}

bool LogPipeline::ReadFiles(TimePoint now) {
  for (const auto& source : files_) source->Look(now);
  // The most telling form first: what it has is then not taken from another
  // one.
  bool progressed = false;
  for (int rank = Authority::kRanks - 1; rank >= -1; --rank) {
    for (const auto& source : files_) progressed |= source->Read(now, buffer_, rank);
  }
  if (stdin_) {
    progressed |= stdin_->Read(now, buffer_);
    stdin_->EndRound(now);
  }
  for (const auto& source : files_) source->EndRound(now);
  return progressed;
}

int LogPipeline::Server(std::string_view name) { return live_.Server(name, true); }

void LogPipeline::Count(int server, const log::Message& message, log::Written written) {
  catalogue_.Match(message, event_);
  live_.Count(server, message, event_, unix_now_, written);
  ++counted_;
}

// ---- other threads

void LogPipeline::SetServerPrefix(const std::string& server, const std::string& prefix) {
  net::asio::post(io_, [this, server, prefix] {
    for (const auto& source : files_) {
      if (source->options().server == server) source->TellPrefix(prefix);
    }
    if (stdin_ && stdin_->options().server == server) stdin_->TellPrefix(prefix);
    for (const auto& source : frames_) source->TellPrefix(server, prefix);
  });
}

void LogPipeline::Deliver(Delivery delivery, OnTaken on_taken) {
  auto taken = std::make_shared<OnTaken>(std::move(on_taken));
  auto held = std::make_shared<Delivery>(std::move(delivery));
  net::asio::post(io_, [this, held, taken] { Take(*held, std::move(*taken)); });
}

/// Counts the delivery; its sender is answered when that is committed.
void LogPipeline::Take(const Delivery& delivery, OnTaken on_taken) {
  if (!durable() || deliveries_ == nullptr) {
    on_taken(Taken::kNotDurable);
    return;
  }
  const DeliveryCount count = TakeDelivery(
      delivery, frame_ids_, unix_now_,
      [&](std::string_view frame) { deliveries_->TakeFrameOf(delivery.server, frame); });
  // What is answered for is on disk: no record may stay open in memory alone.
  if (writer_) deliveries_->FlushServer(delivery.server);
  deliveries_->CountBadFrames(count.bad_frames);
  deliveries_->CountDelivery(count);
  if (count.missing > 0) {
    live_.CountLost(Server(delivery.server), log::LostReason::kCountMismatch, count.missing);
  }
  next_.taken.push_back(std::move(on_taken));
}

void LogPipeline::Commit(std::function<void()> done) {
  if (empty()) {
    done();
    return;
  }
  net::asio::post(io_, [this, done = std::move(done)] { next_.committed.push_back(done); });
}

// ---- commits

LogPipeline::Shown LogPipeline::Look() const {
  Shown shown;
  const auto add = [&](const auto& source) {
    shown.sources.push_back({source->options().name, source->options().server, source->status()});
  };
  for (const auto& source : files_) add(source);
  if (stdin_) add(stdin_);
  for (const auto& source : frames_) add(source);
  shown.listeners = listeners_.statuses();
  if (deliveries_ != nullptr) {
    AppendDeliveryFamilies(deliveries_->status().deliveries, frame_ids_, shown.deliveries);
  }
  return shown;
}

void LogPipeline::MaybeCommit(TimePoint now) {
  if (committing_) return;
  const bool asked = !next_.committed.empty() || !next_.taken.empty();
  if (asked || counted_ >= kCommitMessages || now - committed_at_ >= kCommitEvery) {
    BeginCommit(now);
  }
}

void LogPipeline::BeginCommit(TimePoint now) {
  committed_at_ = now;
  counted_ = 0;
  under_way_ = std::exchange(next_, {});
  under_way_.shown = Look();
  {
    MutexLock lock(mutex_);
    live_.Changes(published_, under_way_.series);
  }
  std::vector<state::Row> rows;
  rows.reserve(under_way_.series.size());
  for (const log::TallyRow& row : under_way_.series) {
    rows.push_back({state::Table::kSeries, row.server, row.key, row.value});
  }
  for (const auto& [source, server, status] : under_way_.shown.sources) {
    SourceStatus& saved = saved_[source];
    AppendSourceRows(source, status, saved, rows);
    saved = status;
  }
  for (const auto& source : files_) {
    std::vector<FileSource::PositionRow> positions;
    source->SavePositions(positions);
    for (auto& [owner, key, value] : positions) {
      rows.push_back(
          {state::Table::kPositions, std::move(owner), std::move(key), std::move(value)});
    }
  }
  frame_ids_.Changes(rows);
  if (!writer_ || rows.empty()) {
    EndCommit(durable());
    return;
  }
  committing_ = true;
  writer_->Submit(std::move(rows), [this](bool durable) {
    net::asio::post(io_, [this, durable] {
      committing_ = false;
      EndCommit(durable);
    });
  });
}

/// Shows what was committed and answers those who waited for it.
void LogPipeline::EndCommit(bool durable) {
  {
    MutexLock lock(mutex_);
    for (const log::TallyRow& row : under_way_.series) published_.Restore(row);
    shown_ = std::move(under_way_.shown);
  }
  ready_ = true;
  const Pending done = std::exchange(under_way_, {});
  for (const OnTaken& on_taken : done.taken) {
    on_taken(durable ? Taken::kDurable : Taken::kNotDurable);
  }
  for (const auto& committed : done.committed) committed();
}

// ---- the state

Status LogPipeline::UseState(state::Store store) {
  std::vector<state::Row> rows;
  const Status loaded = store.Load([&](const state::Row& row) { rows.push_back(row); });
  if (!loaded.ok() && loaded.error().code != ErrorCode::kInvalid) return loaded;
  if (!loaded.ok()) rows.clear();  // set aside; the store is empty
  if (!store.notice().empty()) spdlog::warn("{}", store.notice());
  std::size_t unread = 0;
  std::vector<const state::Row*> orphans;
  for (const state::Row& row : rows) {
    const auto named = [&](const auto& source) { return source->options().name == row.owner; };
    if (row.table == state::Table::kPositions && std::ranges::none_of(files_, named)) {
      orphans.push_back(&row);
    } else if (!Restore(row)) {
      ++unread;
    }
  }
  for (const state::Row* row : orphans) Adopt(*row);
  if (unread > 0) {
    spdlog::warn(
        "state: {} of {} rows are damaged or of a metric that is no more; they are left out",
        unread, rows.size());
  }
  {
    MutexLock lock(mutex_);
    published_.MarkScraped();
  }
  for (const auto& source : files_) source->RestoreStatus(saved_[source->options().name]);
  if (stdin_) stdin_->RestoreStatus(saved_[stdin_->options().name]);
  writer_ = std::make_unique<state::Writer>(std::move(store));
  return {};
}

/// How far a file was read under a source that is configured no more, or spelt otherwise now.
void LogPipeline::Adopt(const state::Row& row) {
  for (const auto& source : files_) {
    if (source->Adopt(row.owner, row.key, *row.value)) return;
  }
}

/// False: the row is none of ours.
bool LogPipeline::Restore(const state::Row& row) {
  const std::string& value = *row.value;
  switch (row.table) {
    case state::Table::kSeries: {
      const log::TallyRow series{row.owner, row.key, value};
      MutexLock lock(mutex_);
      const bool known = live_.Restore(series);
      return published_.Restore(series) && known;
    }
    case state::Table::kSources:
      return RestoreSourceRow(row.key, value, saved_[row.owner]);
    case state::Table::kPositions:
      return std::ranges::any_of(files_, [&](const auto& source) {
        return source->options().name == row.owner && source->Restore(row.key, value);
      });
    case state::Table::kFrames:
      return frame_ids_.Restore(row);
  }
  return false;
}

bool LogPipeline::Knows(const std::string& server) {
  MutexLock lock(mutex_);
  return published_.Knows(server);
}

Families LogPipeline::CollectOf(const std::string& server) {
  const auto shows = [&server](const std::string& name) { return name == server; };
  std::vector<NamedStatus> sources;
  Families families;
  {
    MutexLock lock(mutex_);
    families = published_.Scrape(UnixNow(), shows);
    sources = SourcesOf(shown_, shows);
  }
  AppendSourceFamilies(sources, families);
  return families;
}

std::vector<NamedStatus> LogPipeline::SourcesOf(
    const Shown& shown, const std::function<bool(const std::string& server)>& shows) {
  std::vector<NamedStatus> sources;
  std::ranges::copy_if(shown.sources, std::back_inserter(sources),
                       [&](const NamedStatus& one) { return shows(one.server); });
  return sources;
}

Families LogPipeline::Collect(const std::function<bool(const std::string& server)>& shows) {
  if (empty()) return {};
  Shown shown;
  Families families;
  {
    MutexLock lock(mutex_);
    families = published_.Scrape(UnixNow(), shows);
    shown = shown_;
  }
  if (shows) shown.sources = SourcesOf(shown, shows);
  AppendSourceFamilies(shown.sources, families);
  if (!shown.listeners.empty()) AppendFamilies(shown.listeners, families);
  std::ranges::move(shown.deliveries, std::back_inserter(families));
  if (writer_) writer_->AppendFamilies(families);
  return families;
}

}  // namespace pgbeacon::ingest
