#include "exporter/native/native.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
#include <utility>

#include "exporter/native/jobs.h"
#include "exporter/pg/up_reason.h"
#include "exporter/scrape/page.h"

namespace pgbeacon::native {
namespace {

using std::chrono::milliseconds;

constexpr int kMissedIntervals = 3;
constexpr std::chrono::minutes kRetry{1};
constexpr milliseconds kMargin{200};  // for a page to be made of what a fetch gave
constexpr milliseconds kShortest{500};
constexpr std::chrono::seconds kClosing{1};

}  // namespace

/// A job, how it fared last and what it shows. Shared with its fetch.
struct Native::Entry {
  std::unique_ptr<Job> job;
  std::string server;
  std::optional<milliseconds> interval;
  milliseconds timeout{0};
  std::shared_ptr<net::Event> running;
  bool ran = false;
  TimePoint ended_at;
  TimePoint due;
  double seconds = 0;
  std::string failure;
  std::string logged;
  Show show;
  TimePoint shown_at;
  bool partial = false;  ///< what is shown came with the failure

  void Take(Fetched fetched, TimePoint started) {
    const TimePoint now = SteadyClock::now();
    ran = true;
    ended_at = now;
    seconds = Seconds(now - started);
    failure = fetched.error ? pg::FailureLabel(*fetched.error) : "";
    if (fetched.show || failure.empty()) {
      show = std::move(fetched.show);
      shown_at = now;
      partial = !failure.empty();
    }
    const Duration wait = interval.value_or(milliseconds(0));
    due = now + (failure.empty() ? wait : std::min<Duration>(wait, kRetry));
    if (logged == failure) return;
    logged = failure;
    const std::string which = job->instance().empty() ? "" : " name=" + job->instance();
    if (failure.empty()) {
      spdlog::info("target={} collector={}{}: works again", server, job->collector(), which);
    } else {
      spdlog::warn("target={} collector={}{} reason={}: {}", server, job->collector(), which,
                   failure, fetched.error->message);
    }
  }
};

Native::Native(net::any_io_executor executor, net::BlockingPool& pool, scrape::Target& target,
               Options options)
    : executor_(executor), options_(std::move(options)), server_(target, pool, options_.local) {
  const JobContext context{executor_, pool, server_, stopped_};
  if (options_.local) Add(MakeHostJob(context));
  if (options_.sources.entrypoint) Add(MakeEntrypointJob(context, *options_.sources.entrypoint));
  for (const config::Pooler& pooler : options_.sources.poolers) {
    Add(MakePgBouncerJob(context, pooler));
  }
  if (options_.sources.patroni) Add(MakePatroniJob(context, *options_.sources.patroni));
  if (options_.sources.pgbackrest) Add(MakePgBackRestJob(context, *options_.sources.pgbackrest));
  for (const config::Inventory& inventory : options_.sources.backups) {
    Add(MakeBackupsJob(context, inventory));
  }
}

Native::~Native() { Stop(); }

void Native::Add(std::unique_ptr<Job> job) {
  auto entry = std::make_shared<Entry>();
  entry->interval = job->interval();
  entry->timeout = job->timeout();
  const bool named_only = options_.selection.peer && job->collector() == "host";
  bool enabled = !named_only || options_.selection.all;
  const auto choice = options_.selection.choices.find(job->collector());
  if (choice != options_.selection.choices.end()) {
    enabled = choice->second.enabled.value_or(enabled);
    if (choice->second.interval) entry->interval = choice->second.interval;
    if (choice->second.timeout) entry->timeout = *choice->second.timeout;
  }
  if (!enabled) return;
  entry->server = options_.server;
  entry->job = std::move(job);
  entries_.push_back(std::move(entry));
}

void Native::SetFacts(const collectors::ServerFacts& facts) { server_.SetFacts(facts); }

net::awaitable<void> Native::Run(std::shared_ptr<Entry> entry, TimePoint deadline) {
  const TimePoint started = SteadyClock::now();
  Fetched fetched = co_await entry->job->Fetch(deadline);
  entry->Take(std::move(fetched), started);
}

void Native::Start(const std::shared_ptr<Entry>& entry, TimePoint deadline) {
  entry->running = std::make_shared<net::Event>(executor_);
  net::asio::co_spawn(
      executor_, Run(entry, deadline), [entry, event = entry->running](std::exception_ptr failure) {
        try {
          if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& error) {
          entry->Take(Fetched(Error(ErrorCode::kInternal, error.what())), SteadyClock::now());
        }
        entry->running.reset();
        event->Set();
      });
}

void Native::Begin(TimePoint asked, TimePoint deadline, const scrape::Only& only) {
  const TimePoint now = SteadyClock::now();
  for (const std::shared_ptr<Entry>& entry : entries_) {
    if (!only.Wants(entry->job->collector())) continue;
    if (*stopped_ || entry->running || !entry->job->applies() || now < entry->due) continue;
    if (!entry->interval && entry->ran && entry->ended_at >= asked) continue;
    TimePoint until = now + entry->timeout;
    if (!entry->interval) until = std::min(until, std::max(deadline - kMargin, now + kShortest));
    Start(entry, until);
  }
}

net::awaitable<Families> Native::Collect(TimePoint asked, TimePoint deadline, scrape::Only only) {
  Begin(asked, deadline, only);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::shared_ptr<Entry> entry = entries_[i];
    const std::shared_ptr<net::Event> running = entry->running;
    if (!only.Wants(entry->job->collector())) continue;
    if (running && (!entry->interval || !entry->ran)) co_await running->Wait(deadline);
  }
  co_return Page(asked, only);
}

/// A collector of several jobs has failed when one of them has, and is as old as its oldest part.
Families Native::Page(TimePoint asked, const scrape::Only& only) {
  Families page;
  std::map<std::string, scrape::Report> reports;
  const TimePoint now = SteadyClock::now();
  for (const std::shared_ptr<Entry>& entry : entries_) {
    if (!only.Wants(entry->job->collector())) continue;
    const bool late = entry->running && (!entry->interval || !entry->ran);
    const bool nothing = entry->failure.empty() && !entry->show;  // a host that is elsewhere
    if (nothing && !late) continue;
    scrape::Report& report = reports[entry->job->collector()];
    report.collector = entry->job->collector();
    report.seconds = std::max(report.seconds, entry->seconds);
    const std::string failure = late ? "timeout" : entry->failure;
    if (report.failure.empty()) report.failure = failure;
    const Duration age = now - entry->shown_at;
    const bool expired = entry->interval ? age > kMissedIntervals * *entry->interval
                                         : late || (!failure.empty() && !entry->partial);
    const bool shown = !expired && entry->show;
    if (!shown && !late) continue;
    Families families = shown ? entry->show(report.dropped) : entry->job->Late();
    std::ranges::move(families, std::back_inserter(page));
    if (!shown) continue;
    const double seconds = entry->shown_at >= asked ? 0 : Seconds(age);
    report.age = std::max(report.age.value_or(0), entry->interval ? seconds : 0);
  }
  std::vector<scrape::Report> list;
  for (auto& [name, report] : reports) list.push_back(std::move(report));
  scrape::AppendReports(list, page);
  return page;
}

void Native::Stop() {
  *stopped_ = true;
  for (const std::shared_ptr<Entry>& entry : entries_) entry->job->Stop();
}

net::awaitable<void> Native::Close() {
  Stop();
  const TimePoint deadline = SteadyClock::now() + kClosing;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::shared_ptr<net::Event> running = entries_[i]->running;
    if (running) co_await running->Wait(deadline);
  }
}

}  // namespace pgbeacon::native
