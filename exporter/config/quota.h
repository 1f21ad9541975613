// A source's key `quota`: how much is taken of each server.
#pragma once

#include "base/yaml.h"
#include "exporter/ingest/quota.h"

namespace pgbeacon::config {

/// `quota: {lines_per_second: 5000, burst: 50000}`; without a burst, ten seconds of it. No key: no
/// limit. What is wrong is a mistake of the map.
ingest::Quota ReadQuota(YamlMap& map);

}  // namespace pgbeacon::config
