#include "exporter/ingest/log_pipeline.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "exporter/ingest/source_families.h"

namespace pgbeacon::ingest {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
constexpr std::chrono::milliseconds kPoll{200};

}  // namespace

LogPipeline::LogPipeline(const log::Catalogue& catalogue, log::TallyOptions options,
                         std::vector<SourceOptions> sources)
    : catalogue_(catalogue), tally_(catalogue, std::move(options)), buffer_(kBlockBytes) {
  for (SourceOptions& source : sources) {
    const bool twice = std::ranges::any_of(
        sources_, [&](const auto& other) { return other->options().name == source.name; });
    if (twice) {
      spdlog::warn("source={}: named twice; the second one is ignored, it would count again",
                   source.name);
      continue;
    }
    const int server = tally_.Server(source.server);
    Authority& authority = authorities_[source.server];
    sources_.push_back(std::make_unique<FileSource>(
        std::move(source), authority,
        [this, server](const log::Message& message) { Count(server, message); },
        [this](const std::function<void()>& work) { Guarded(work); }));
  }
}

LogPipeline::~LogPipeline() { Stop(); }

void LogPipeline::Start() {
  if (sources_.empty()) {
    ready_ = true;
  } else if (!thread_.joinable()) {
    thread_ = std::thread([this] { Run(); });
  }
}

void LogPipeline::Stop() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  for (const auto& source : sources_) source->Finish();
}

void LogPipeline::SetServerPrefix(const std::string& server, const std::string& prefix) {
  MutexLock lock(mutex_);
  told_[server] = prefix;
}

Families LogPipeline::Collect() {
  if (sources_.empty()) return {};
  std::vector<NamedStatus> statuses;
  Families families;
  {
    ++waiting_;
    MutexLock lock(mutex_);
    --waiting_;
    families = tally_.Collect(UnixNow());
    for (const auto& source : sources_) {
      statuses.push_back({source->options().name, source->status()});
    }
  }
  AppendSourceFamilies(statuses, families);
  return families;
}

bool LogPipeline::Step(TimePoint now) {
  unix_now_ = UnixNow();
  std::map<std::string, std::string> told;
  {
    MutexLock lock(mutex_);
    told.swap(told_);
  }
  for (const auto& source : sources_) {
    const auto prefix = told.find(source->options().server);
    if (prefix != told.end()) source->TellPrefix(prefix->second);
    source->Look(now);
  }
  // The most telling form first: what it has is then not taken from another one.
  bool progressed = false;
  for (int rank = Authority::kRanks - 1; rank >= -1; --rank) {
    for (const auto& source : sources_) progressed |= source->Read(now, buffer_, rank);
  }
  for (const auto& source : sources_) source->EndRound(now);
  ready_ = true;
  return progressed;
}

void LogPipeline::Run() {
  while (true) {
    const bool progressed = Step(SteadyClock::now());
    MutexLock lock(mutex_);
    if (!progressed && !stop_) wake_.wait_for(mutex_, kPoll);
    if (stop_) return;
  }
}

void LogPipeline::Count(int server, const log::Message& message) {
  mutex_.AssertHeld();  // the reader runs inside Guarded()
  catalogue_.Match(message, event_);
  tally_.Count(server, message, event_, unix_now_);
}

/// Runs `work` under the mutex. A thread that reads at full speed would take it back before a
/// waiting Collect() wakes up, so it lets that go first.
void LogPipeline::Guarded(const std::function<void()>& work) {
  while (waiting_ > 0) std::this_thread::yield();
  MutexLock lock(mutex_);
  work();
}

}  // namespace pgbeacon::ingest
