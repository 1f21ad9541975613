#include "exporter/fleet/fleet.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "exporter/net/event.h"
#include "exporter/scrape/shared_plans.h"

namespace pgbeacon::fleet {
namespace {

void LogFailure(const std::exception_ptr& failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    spdlog::error("internal error: {}", error.what());
  }
}

/// Runs the waits of several at once and resumes when the last has ended.
class Together {
 public:
  explicit Together(net::any_io_executor executor)
      : executor_(executor), left_(std::make_shared<Left>(executor)) {}

  void Add(net::awaitable<void> work) {
    ++left_->count;
    net::asio::co_spawn(executor_, std::move(work), [left = left_](std::exception_ptr failure) {
      LogFailure(failure);
      if (--left->count == 0) left->none.Set();
    });
  }

  net::awaitable<void> Wait() {
    if (--left_->count == 0) co_return;
    while (!left_->none.happened()) {
      const TimePoint later = SteadyClock::now() + std::chrono::hours(1);
      co_await left_->none.Wait(later);
    }
  }

 private:
  struct Left {
    explicit Left(net::any_io_executor executor) : none(std::move(executor)) {}
    int count = 1;  ///< of those under way, and the one who waits
    net::Event none;
  };
  net::any_io_executor executor_;
  std::shared_ptr<Left> left_;
};

}  // namespace

Fleet::Fleet(net::any_io_executor executor, net::BlockingPool& pool, Watched::OnFacts on_facts)
    : executor_(std::move(executor)),
      pool_(pool),
      on_facts_(std::move(on_facts)),
      plans_(std::make_shared<scrape::SharedPlans>()) {}

Fleet::~Fleet() = default;

void Fleet::Apply(Roster roster) {
  const bool same_collectors = shared_text_ == roster.shared_text;
  std::map<std::string, std::shared_ptr<Watched>, std::less<>> old = std::exchange(all_, {});
  main_ = std::move(roster.main);
  shared_text_ = std::move(roster.shared_text);
  for (WatchedOptions& options : roster.targets) {
    const std::string name = options.target.name;
    const auto known = old.find(name);
    if (known != old.end() && same_collectors && known->second->options().text == options.text) {
      known->second->SetLabels(std::move(options.labels));
      all_.emplace(name, std::move(known->second));
      old.erase(known);
      continue;
    }
    options.target.owner = roster.catalogue;
    options.target.plans = plans_;
    auto watched = std::make_shared<Watched>(executor_, pool_, net::Lanes{&trusted_, &untrusted_},
                                             roster.catalogue, std::move(options), on_facts_);
    unasked_.push_back(watched);
    all_.emplace(name, std::move(watched));
  }
  for (auto& [name, watched] : old) LetGo(std::move(watched));
}

std::shared_ptr<Watched> Fleet::Find(std::string_view name) const {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : found->second;
}

void Fleet::LetGo(std::shared_ptr<Watched> watched) {
  Watched& closed = *watched;
  net::asio::co_spawn(
      executor_, closed.Close(),
      [kept = std::move(watched)](std::exception_ptr failure) { LogFailure(failure); });
}

net::awaitable<void> Fleet::First(Duration patience) {
  Together together(executor_);
  const std::size_t workers = std::min<std::size_t>(unasked_.size(), kFirstAtOnce);
  for (std::size_t i = 0; i < workers; ++i) together.Add(FirstOfSome(patience));
  co_await together.Wait();
}

net::awaitable<void> Fleet::FirstOfSome(Duration patience) {
  while (!unasked_.empty()) {
    const std::shared_ptr<Watched> next = unasked_.back();
    unasked_.pop_back();
    if (!next->attempted()) co_await next->First(SteadyClock::now() + patience);
  }
}

net::awaitable<void> Fleet::Refresh(Duration age, TimePoint deadline) {
  const auto waiting = std::make_shared<std::vector<std::shared_ptr<Watched>>>();
  for (const auto& [name, watched] : all_) {
    const std::optional<TimePoint>& judged = watched->health().judged_at();
    if (!judged || SteadyClock::now() - *judged > age) waiting->push_back(watched);
  }
  Together together(executor_);
  const std::size_t workers = std::min<std::size_t>(waiting->size(), kFirstAtOnce);
  for (std::size_t i = 0; i < workers; ++i) together.Add(RefreshSome(waiting, deadline));
  co_await together.Wait();
}

net::awaitable<void> Fleet::RefreshSome(Waiting waiting, TimePoint deadline) {
  while (!waiting->empty() && SteadyClock::now() < deadline) {
    const std::shared_ptr<Watched> next = waiting->back();
    waiting->pop_back();
    co_await next->Refresh(deadline);
  }
}

bool Fleet::attempted() const {
  return std::ranges::all_of(all_, [](const auto& entry) { return entry.second->attempted(); });
}

net::awaitable<void> Fleet::Close() {
  unasked_.clear();
  Together together(executor_);
  for (auto& [name, watched] : all_) together.Add(watched->Close());
  co_await together.Wait();
}

}  // namespace pgbeacon::fleet
