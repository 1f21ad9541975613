// Server: what jobs must know of the watched server: who it is, whether it runs on this host and
// where its files lie, and how far its WAL is archived.
//
// Example:
//   const Status learnt = co_await server.Learn(deadline);
//   if (const std::optional<int> postmaster = server.postmaster()) ...
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "collectors/engine/facts.h"
#include "collectors/engine/spec.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/scrape/host_report.h"
#include "exporter/scrape/target.h"

namespace pgbeacon::native {

class Server {
 public:
  /// `local`: the connection string names this machine, so that its process may be looked for.
  Server(scrape::Target& target, net::BlockingPool& pool, bool local);

  /// After each change of what the server tells about itself.
  void SetFacts(const collectors::ServerFacts& facts);

  /// Asks over the connection of the scrapes for what the facts do not tell.
  net::awaitable<Status> Learn(TimePoint deadline);
  /// The same where the facts have changed since it was last learnt.
  net::awaitable<Status> LearnIfChanged(TimePoint deadline);

  bool may_be_local() const { return local_ && (known_ || postmaster_); }
  /// Its process on this host, as it was when last looked for.
  const std::optional<int>& postmaster() const { return postmaster_; }
  const scrape::HostPlaces& places() const { return places_; }

  const std::string& system_identifier() const { return system_identifier_; }
  int major() const { return major_; }
  const std::optional<double>& wal_segment_bytes() const { return wal_segment_bytes_; }
  /// An archived segment, the last one of those whose end is known.
  const std::string& last_archived_wal() const { return last_archived_wal_; }
  /// When the server had written it to its end.
  const std::optional<double>& archived_until() const { return archived_until_; }

 private:
  void TakeFamilies(const Families& families);

  scrape::Target& target_;
  net::BlockingPool& pool_;
  bool local_;
  bool known_ = false;  ///< facts have come
  bool stale_ = true;   ///< they have changed since
  collectors::Catalogue questions_;

  std::string system_identifier_;
  int major_ = 0;
  double start_time_ = 0;
  int backend_ = 0;
  std::optional<int> postmaster_;
  scrape::HostPlaces places_;
  std::optional<double> wal_segment_bytes_;
  std::string last_archived_wal_;
  std::optional<double> archived_until_;
};

}  // namespace pgbeacon::native
