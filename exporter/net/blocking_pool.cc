#include "exporter/net/blocking_pool.h"

#include <iterator>
#include <system_error>

namespace pgbeacon::net {

BlockingPool::~BlockingPool() {
  std::deque<std::function<void()>> never;
  Threads threads;
  {
    MutexLock lock(mutex_);
    ending_ = true;
    never.swap(waiting_);
    threads.splice(threads.end(), threads_);
    threads.splice(threads.end(), left_);
    news_.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
}

void BlockingPool::Post(std::function<void()> work) {
  MutexLock lock(mutex_);
  if (idle_ == 0 && threads_.size() < most_) AddThread();
  waiting_.push_back(std::move(work));
  news_.notify_one();
}

/// Without a thread for it, it is done by those there are.
void BlockingPool::AddThread() {
  for (std::thread& thread : left_) thread.join();
  left_.clear();
  const Threads::iterator self = threads_.emplace(threads_.end());
  try {
    *self = std::thread([this, self] { Work(self); });
  } catch (const std::system_error&) {
    threads_.erase(self);
    if (threads_.empty()) throw;
  }
}

/// Whether there is a call that may begin; not when the pool ends.
bool BlockingPool::WaitForTurn() {
  ++idle_;
  while (!ending_) {
    if (waiting_.empty()) {
      news_.wait(mutex_);
      continue;
    }
    if (begun_.size() < lanes_) break;
    const TimePoint free = *std::prev(begun_.end(), static_cast<std::ptrdiff_t>(lanes_)) + kSlow;
    if (free <= SteadyClock::now()) break;
    news_.wait_until(mutex_, free);
  }
  --idle_;
  return !ending_;
}

void BlockingPool::Work(Threads::iterator self) {
  mutex_.Lock();
  while (WaitForTurn()) {
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    const auto begun = begun_.insert(begun_.end(), SteadyClock::now());
    // Somebody has to be there to see the lane become free.
    if (!waiting_.empty() && idle_ == 0 && threads_.size() < most_) AddThread();
    mutex_.Unlock();
    work();
    work = nullptr;
    mutex_.Lock();
    begun_.erase(begun);
    if (ending_) break;
    news_.notify_one();
    if (idle_ >= lanes_ && threads_.size() > lanes_) {
      left_.splice(left_.end(), threads_, self);
      break;
    }
  }
  mutex_.Unlock();
}

}  // namespace pgbeacon::net
