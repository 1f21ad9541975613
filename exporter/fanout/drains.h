// Drains: everything that lines are sent on to.
//
// Example:
//   Drains drains(executor, pool, config.drains);
//   drains.Start(hub);
//   drains.AppendFamilies(families);
//   drains.Stop();
//
// All members run on the executor's one thread.
#pragma once

#include <memory>
#include <vector>

#include "base/families.h"
#include "exporter/fanout/drain.h"
#include "exporter/fanout/drain_options.h"
#include "exporter/fanout/hub.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::fanout {

class Drains {
 public:
  /// `pool`: for names and files, which may hang.
  Drains(const net::any_io_executor& executor, net::BlockingPool& pool,
         const std::vector<DrainOptions>& options);
  Drains(const Drains&) = delete;
  Drains& operator=(const Drains&) = delete;
  ~Drains() { Stop(); }

  /// Lines from now on; the hub may end before the drains do.
  void Start(Hub& hub);
  /// Ends all connections; what waits is lost.
  void Stop();

  void AppendFamilies(Families& families) const;

 private:
  std::vector<std::shared_ptr<Drain>> drains_;
};

}  // namespace pgbeacon::fanout
