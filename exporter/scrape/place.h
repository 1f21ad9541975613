// Place: the use of a target's kept connection by something other than a run.
//
// Example:
//   const Place place(asking_, executor_);   // nobody else asks until this goes
#pragma once

#include <memory>
#include <utility>

#include "exporter/net/event.h"

namespace pgbeacon::scrape {

class Place {
 public:
  Place(std::shared_ptr<net::Event>& place, net::any_io_executor executor) : place_(place) {
    place_ = std::make_shared<net::Event>(std::move(executor));
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    const std::shared_ptr<net::Event> ended = std::move(place_);
    place_.reset();
    ended->Set();
  }

 private:
  std::shared_ptr<net::Event>& place_;
};

}  // namespace pgbeacon::scrape
