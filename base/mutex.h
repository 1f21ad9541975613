// Mutex: std::mutex that clang's thread-safety analysis understands (-Wthread-safety; libstdc++'s
// own carries no annotations).
//
// Example:
//   Mutex mutex_;
//   int count_ PGB_GUARDED_BY(mutex_) = 0;
//   void Add() { MutexLock lock(mutex_); ++count_; }
#pragma once

#include <mutex>

#if defined(__clang__)
#define PGB_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define PGB_THREAD_ATTRIBUTE(x)
#endif

#define PGB_GUARDED_BY(mutex) PGB_THREAD_ATTRIBUTE(guarded_by(mutex))
#define PGB_REQUIRES(mutex) PGB_THREAD_ATTRIBUTE(requires_capability(mutex))

namespace pgbeacon {

class PGB_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void Lock() PGB_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void Unlock() PGB_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  /// Tells the analysis that the caller holds the mutex, where it cannot see that (callbacks).
  void AssertHeld() PGB_THREAD_ATTRIBUTE(assert_capability(this)) {}

  // What std::condition_variable_any needs.
  void lock() PGB_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() PGB_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for its scope.
class PGB_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) PGB_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() PGB_THREAD_ATTRIBUTE(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace pgbeacon
