#include "exporter/state/writer.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "exporter/state/figures.h"

namespace pgbeacon::state {
namespace {

const char* Remedy(Failure failure) {
  switch (failure) {
    case Failure::kFull:
      return "make room on its device";
    case Failure::kIo:
      return "look after its device";
    case Failure::kReadonly:
      return "make its device and directory writable again";
    case Failure::kLocked:
      return "end the program that holds it";
    case Failure::kOther:
      break;
  }
  return "see the reason";
}

/// Leaves the last of the rows that have the same name.
void KeepLast(std::vector<Row>& rows) {
  const auto name = [](const Row& row) { return std::tie(row.table, row.owner, row.key); };
  std::ranges::stable_sort(rows, {}, name);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + 1 < rows.size() && name(rows[i]) == name(rows[i + 1])) continue;
    if (kept != i) rows[kept] = std::move(rows[i]);
    ++kept;
  }
  rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(kept), rows.end());
}

}  // namespace

struct Writer::State {
  struct Job {
    std::vector<Row> rows;
    Done done;
  };

  explicit State(std::optional<Store> opened) : store(std::move(opened)) {
    thread = std::thread([this] { Run(); });
  }
  ~State() {
    {
      MutexLock lock(mutex);
      stop = true;
    }
    wake.notify_all();
    thread.join();
  }

  void Run();
  bool Next(std::optional<Job>& next);
  bool Write(std::vector<Row> rows);
  void Note(const Status& written, Duration took);

  std::optional<Store> store;  // the thread's
  std::vector<Row> kept;       // the thread's: not on disk yet
  TimePoint next_try{};        // the thread's

  mutable Mutex mutex;
  std::condition_variable_any wake;
  std::optional<Job> job PGB_GUARDED_BY(mutex);
  bool stop PGB_GUARDED_BY(mutex) = false;
  CommitFigures figures PGB_GUARDED_BY(mutex);
  std::thread thread;
};

/// Waits for something to do; false: it is time to end. No job: what is kept is to be tried again.
bool Writer::State::Next(std::optional<Job>& next) {
  next.reset();
  MutexLock lock(mutex);
  while (!job && !stop) {
    if (kept.empty()) {
      wake.wait(mutex);
    } else if (wake.wait_until(mutex, next_try) == std::cv_status::timeout) {
      return true;
    }
  }
  job.swap(next);
  return next || !stop;
}

void Writer::State::Run() {
  // A signal is the main thread's; and where a file may not grow (RLIMIT_FSIZE), this one would end
  // the program.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  std::optional<Job> next;
  while (Next(next)) {
    if (!next) {
      Write({});
      continue;
    }
    const bool written = Write(std::move(next->rows));
    if (next->done) next->done(written);
  }
  next_try = {};
  if (!kept.empty()) Write({});
}

bool Writer::State::Write(std::vector<Row> rows) {
  if (!store) return true;
  if (!kept.empty()) {
    std::ranges::move(rows, std::back_inserter(kept));
    KeepLast(kept);
    rows.clear();
    if (SteadyClock::now() < next_try) return false;
    rows.swap(kept);
  }
  const TimePoint begun = SteadyClock::now();
  const Status written = store->Commit(rows);
  Note(written, SteadyClock::now() - begun);
  if (written.ok()) return true;
  kept = std::move(rows);
  next_try = SteadyClock::now() + kRetry;
  return false;
}

void Writer::State::Note(const Status& written, Duration took) {
  bool changed = false;
  {
    MutexLock lock(mutex);
    changed = std::exchange(figures.durable, written.ok()) != written.ok();
    if (written.ok()) {
      figures.Note(Seconds(took));
    } else {
      ++figures.errors[static_cast<std::size_t>(store->failure())];
    }
  }
  if (!changed) return;
  if (written.ok()) {
    spdlog::warn("state: written again: everything counted meanwhile is on disk");
  } else {
    spdlog::warn(
        "state: cannot be written: {}; {}; until then counting goes on in memory, deliveries are "
        "refused, and a crash would lose what is counted; trying again every second",
        written.error().message, Remedy(store->failure()));
  }
}

Writer::Writer(std::optional<Store> store) : state_(std::make_unique<State>(std::move(store))) {}
Writer::~Writer() = default;

void Writer::Submit(std::vector<Row> rows, Done done) {
  {
    MutexLock lock(state_->mutex);
    state_->job = State::Job{std::move(rows), std::move(done)};
  }
  state_->wake.notify_all();
}

bool Writer::durable() const {
  MutexLock lock(state_->mutex);
  return state_->figures.durable;
}

void Writer::AppendFamilies(Families& families) const {
  if (!state_->store) return;
  MutexLock lock(state_->mutex);
  AppendStateFamilies(state_->figures, families);
}

}  // namespace pgbeacon::state
