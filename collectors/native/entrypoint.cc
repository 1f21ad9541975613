#include "collectors/native/entrypoint.h"

namespace pgbeacon::collectors {

Families EntrypointFamilies(const EntrypointLook& look) {
  Families families;
  const auto add = [&families](const char* name, const char* help, double value) {
    AddSample(AddFamily(families, name, MetricType::Gauge, help), {}, value);
  };
  add("pg_entrypoint_up",
      "Whether a server answered by way of the entrypoint that clients use (1) or not (0).",
      look.connect_seconds ? 1 : 0);
  if (look.connect_seconds) {
    add("pg_entrypoint_connect_seconds",
        "Time until the entrypoint let a client in, names resolved and TLS and login included.",
        *look.connect_seconds);
  }
  if (look.is_primary) {
    add("pg_entrypoint_is_primary", "Whether the entrypoint leads to a primary (1) or not (0).",
        *look.is_primary ? 1 : 0);
  }
  if (look.same_system) {
    add("pg_entrypoint_same_system",
        "Whether the entrypoint leads to a server of the target's cluster, by the system "
        "identifier (1), or to another one (0).",
        *look.same_system ? 1 : 0);
  }
  return families;
}

}  // namespace pgbeacon::collectors
