#include "exporter/scrape/backends.h"

#include <utility>

namespace pgbeacon::scrape {

net::awaitable<std::shared_ptr<void>> Backends::Take(TimePoint deadline) {
  const std::shared_ptr<Backends> self = shared_from_this();
  while (taken_ >= kMost) {
    if (!freed_) freed_ = std::make_shared<net::Event>(executor_);
    const std::shared_ptr<net::Event> freed = freed_;
    const bool happened = co_await freed->Wait(deadline);
    if (!happened) co_return nullptr;
  }
  ++taken_;
  const auto free = [self](void*) { self->Free(); };
  std::shared_ptr<void> place(self.get(), free);
  co_return place;
}

void Backends::Free() {
  --taken_;
  if (const std::shared_ptr<net::Event> freed = std::exchange(freed_, nullptr)) freed->Set();
}

void Backends::Leave(std::shared_ptr<pg::Leaving> leaving) {
  leaving_.push_back(std::move(leaving));
}

std::size_t Backends::leaving() {
  leaving_.remove_if([](const auto& leaving) { return leaving->gone(); });
  return leaving_.size();
}

void Backends::Stop() {
  for (const auto& leaving : leaving_) leaving->Stop();
}

}  // namespace pgbeacon::scrape
