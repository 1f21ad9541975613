#include "exporter/fanout/drains.h"

#include "exporter/fanout/drain_figures.h"

namespace pgbeacon::fanout {

Drains::Drains(const net::any_io_executor& executor, net::BlockingPool& pool,
               const std::vector<DrainOptions>& options) {
  for (const DrainOptions& drain : options) {
    drains_.push_back(drain.address.kind == DrainKind::kSyslog
                          ? MakeSyslogDrain(executor, pool, drain)
                          : MakeHttpsDrain(executor, pool, drain));
  }
}

void Drains::Start(Hub& hub) {
  for (const std::shared_ptr<Drain>& drain : drains_) drain->Start(hub);
}

void Drains::Stop() {
  for (const std::shared_ptr<Drain>& drain : drains_) drain->Stop();
}

void Drains::AppendFamilies(Families& families) const {
  std::vector<DrainFigures> figures;
  for (const std::shared_ptr<Drain>& drain : drains_) figures.push_back(drain->figures());
  AppendDrainFamilies(figures, families);
}

}  // namespace pgbeacon::fanout
