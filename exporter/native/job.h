// Job: one thing that is asked by other means than SQL of the target: a host, a pooler, a REST API,
// a command, files. Native (native.h) runs jobs and puts what they give on the page.
//
// Example:
//   Fetched fetched = co_await job.Fetch(deadline);
//   if (fetched.show) Append(page, fetched.show(dropped));
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/families.h"
#include "base/result.h"
#include "exporter/net/asio.h"

namespace pgbeacon::native {

/// Families as of the time of the call, so that ages on a page are true whenever it is made. Adds
/// to the count what had to be left out.
using Show = std::function<Families(std::size_t& dropped)>;

/// What came of one fetch. An error may come with families: those that say what is wrong, and the
/// part that could be had.
class Fetched {
 public:
  explicit Fetched(Show show) : show(std::move(show)) {}
  explicit Fetched(Error error, Show show = {}) : show(std::move(show)), error(std::move(error)) {}

  Show show;
  std::optional<Error> error;
};

/// For what a fetch can do without: the rest of the time is for the fetch itself.
inline TimePoint HalfWayTo(TimePoint deadline) {
  const TimePoint now = SteadyClock::now();
  return now + (deadline - now) / 2;
}

class Job {
 public:
  explicit Job(std::string collector) : collector_(std::move(collector)) {}
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// The collector that it is part of: "pgbouncer".
  const std::string& collector() const { return collector_; }
  /// Which of several; empty: there is one.
  virtual std::string instance() const { return ""; }
  /// Absent: fetched at every scrape.
  virtual std::optional<std::chrono::milliseconds> interval() const { return std::nullopt; }
  /// Of one fetch.
  virtual std::chrono::milliseconds timeout() const { return std::chrono::seconds(5); }
  /// Whether there is anything to fetch now.
  virtual bool applies() const { return true; }

  /// What stands on a page that does not wait for the fetch any longer.
  virtual Families Late() const { return {}; }

  /// Ends by the deadline, but for files and resolvers that hang. One at a time.
  virtual net::awaitable<Fetched> Fetch(TimePoint deadline) = 0;

  /// Ends a fetch soon; none comes after.
  virtual void Stop() {}

 private:
  std::string collector_;
};

}  // namespace pgbeacon::native
