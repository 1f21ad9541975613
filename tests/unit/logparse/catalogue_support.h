// The embedded catalogue for tests, loaded once.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "logparse/events/catalogue.h"

namespace pgbeacon::log {

inline const Catalogue& Builtin() {
  static const Result<Catalogue> catalogue = Catalogue::Builtin();
  if (!catalogue.ok()) {
    ADD_FAILURE() << catalogue.error().message;
    std::abort();
  }
  return *catalogue;
}

}  // namespace pgbeacon::log
