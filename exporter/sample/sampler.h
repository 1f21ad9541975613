// Sampler: the sample# record of one server, as the process heroku-postgres prints it:
//   source=DATABASE addon=orders sample#current_transaction=179097 sample#db_size=61229240bytes ...
//
// Example:
//   Result<std::unique_ptr<Sampler>> sampler = Sampler::Make(target, pool, events.samples(), {});
//   const Result<std::string> line = co_await (*sampler)->Sample(deadline);
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/sample/figures.h"
#include "exporter/scrape/target.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::sample {

struct SamplerOptions {
  std::string source = "DATABASE";  ///< Heroku's name of the database's config variable
  std::string addon;                ///< empty: the target's name
  Limits limits;
  /// The connection goes to this machine: the host's figures are told once the server's process is
  /// found here.
  bool local = false;
};

/// On the target's thread. Borrows the target, the pool and the keys (Catalogue::samples()).
class Sampler {
 public:
  static Result<std::unique_ptr<Sampler>> Make(scrape::Target& target, net::BlockingPool& pool,
                                               const std::vector<log::SampleSpec>& keys,
                                               SamplerOptions options);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// One record, without a line feed. Rates (IOPS) are those since the last one. An Error when the
  /// server cannot be asked. One at a time.
  net::awaitable<Result<std::string>> Sample(TimePoint deadline);

 private:
  Sampler(scrape::Target& target, net::BlockingPool& pool, collectors::Catalogue collectors,
          const std::vector<log::SampleSpec>& keys, SamplerOptions options)
      : target_(target),
        pool_(pool),
        collectors_(std::move(collectors)),
        keys_(keys),
        options_(std::move(options)) {}

  scrape::Target& target_;
  net::BlockingPool& pool_;
  const collectors::Catalogue collectors_;
  const std::vector<log::SampleSpec>& keys_;
  const SamplerOptions options_;
  std::optional<HostLook> before_;
};

/// What stands before a record in `heroku logs`: "2026-01-31T23:59:59.012345+00:00
/// app[heroku-postgres]: ".
std::string LogHead(double unix_time);

/// Who prints the records, as Hub and drains name it.
inline constexpr const char* kSource = "app";
inline constexpr const char* kProcess = "heroku-postgres";

}  // namespace pgbeacon::sample
