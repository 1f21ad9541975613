// Backends: the places that pgbeacon has on one server. Who connects takes one; it is free again
// when the server has ended the backend, not when the connection is closed.
//
// Example:
//   std::shared_ptr<void> place = co_await backends->Take(deadline);
//   if (place) ...
//   backends->Leave(connection->Leave(std::move(place)));
#pragma once

#include <cstddef>
#include <list>
#include <memory>

#include "base/clock.h"
#include "exporter/net/asio.h"
#include "exporter/net/event.h"
#include "exporter/pg/leaving.h"

namespace pgbeacon::scrape {

class Backends : public std::enable_shared_from_this<Backends> {
 public:
  static constexpr std::size_t kMost = 2;

  explicit Backends(net::any_io_executor executor) : executor_(std::move(executor)) {}
  Backends(const Backends&) = delete;
  Backends& operator=(const Backends&) = delete;

  /// A place, which is given back when its last holder lets it go; null when none came free by
  /// `deadline`.
  net::awaitable<std::shared_ptr<void>> Take(TimePoint deadline);

  /// Counts a closed connection until it is gone.
  void Leave(std::shared_ptr<pg::Leaving> leaving);
  /// Closed connections whose backends have not been seen to end.
  std::size_t leaving();

  /// Waits for nobody any longer.
  void Stop();

 private:
  void Free();

  net::any_io_executor executor_;
  std::size_t taken_ = 0;
  std::shared_ptr<net::Event> freed_;  ///< null while nobody waits
  std::list<std::shared_ptr<pg::Leaving>> leaving_;
};

}  // namespace pgbeacon::scrape
