// Families of the collectors that are no SQL, made of small examples, so that `pgbeacon metrics`
// lists what the code makes.
#pragma once

#include <string>

#include "base/families.h"

namespace pgbeacon::cli {

/// Of one of collectors::kNativeCollectors.
Families ExampleNative(const std::string& collector);

}  // namespace pgbeacon::cli
