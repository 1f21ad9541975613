// The collectors that ask by other means than SQL of the target, for flags and the config file's
// key `collectors`.
//
// Example:
//   for (const NativeCollector& collector : kNativeCollectors) Flag(collector.name);
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace pgbeacon::collectors {

struct NativeCollector {
  const char* name;
  const char* help;
};

/// All are on: the host where the server runs on it, the others where the config names them.
inline constexpr NativeCollector kNativeCollectors[] = {
    {"host", "The host and the control group that the server runs in, where pgbeacon runs there."},
    {"entrypoint", "The proxy or gateway of the config file that clients use, as one of them."},
    {"pgbouncer", "PgBouncers of the config file, by their admin console."},
    {"patroni", "Patroni of the config file, by its REST API."},
    {"pgbackrest", "pgBackRest of the config file, by `pgbackrest info`."},
    {"backups", "Backups that files or JSON lists of the config file tell of."},
};

inline bool IsNativeCollector(std::string_view name) {
  return std::any_of(std::begin(kNativeCollectors), std::end(kNativeCollectors),
                     [name](const NativeCollector& collector) { return name == collector.name; });
}

}  // namespace pgbeacon::collectors
