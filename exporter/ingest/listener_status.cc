#include "exporter/ingest/listener_status.h"

namespace pgbeacon::ingest {
namespace {

bool IsDatagram(const ListenerStatus& status) {
  return status.kind == ListenerKind::kUdp || status.kind == ListenerKind::kUnix;
}
bool IsStream(const ListenerStatus& status) { return !IsDatagram(status); }
bool IsTls(const ListenerStatus& status) { return status.kind == ListenerKind::kTls; }

struct Row {
  const char* name;
  MetricType type;
  const char* help;
  bool (*has)(const ListenerStatus&);
  double (*value)(const ListenerStatus&);
};

// clang-format off
constexpr Row kRows[] = {
    {"pgbeacon_listener_connections", MetricType::Gauge, "Connections that are open.", IsStream,
     [](const ListenerStatus& s) { return static_cast<double>(s.connections); }},
    {"pgbeacon_listener_connections_total", MetricType::Counter, "Connections that were taken.", IsStream,
     [](const ListenerStatus& s) { return static_cast<double>(s.accepted); }},
    {"pgbeacon_listener_held_bytes", MetricType::Gauge,
     "Memory of messages and TLS records that have not come whole.", IsStream,
     [](const ListenerStatus& s) { return static_cast<double>(s.held_bytes); }},
    {"pgbeacon_listener_receive_buffer_bytes", MetricType::Gauge,
     "Receive buffer that the kernel gave for datagrams.", IsDatagram,
     [](const ListenerStatus& s) { return static_cast<double>(s.receive_buffer); }},
    {"pgbeacon_tls_handshakes", MetricType::Gauge, "TLS handshakes that are under way.", IsTls,
     [](const ListenerStatus& s) { return static_cast<double>(s.handshakes); }},
};
// clang-format on

/// A sample for each reason.
template <class Counts, class Names>
void AddReasons(Family& family, const ListenerStatus& status, const Counts& counts,
                const Names& names) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    AddSample(family, {{"source", status.source}, {"reason", std::string(names[i])}},
              static_cast<double>(counts[i]));
  }
}

}  // namespace

void AppendFamilies(const std::vector<ListenerStatus>& listeners, Families& families) {
  if (listeners.empty()) return;
  for (const Row& row : kRows) {
    Family& family = AddFamily(families, row.name, row.type, row.help);
    for (const ListenerStatus& status : listeners) {
      if (row.has(status)) AddSample(family, {{"source", status.source}}, row.value(status));
    }
  }
  Family& refused = AddFamily(families, "pgbeacon_listener_connections_refused_total",
                              MetricType::Counter, "Connections that were not taken, by reason.");
  for (const ListenerStatus& status : listeners) {
    if (IsStream(status)) AddReasons(refused, status, status.refused, kRefusedNames);
  }
  Family& closed = AddFamily(families, "pgbeacon_listener_connections_closed_total",
                             MetricType::Counter, "Connections that pgbeacon closed, by reason.");
  for (const ListenerStatus& status : listeners) {
    if (IsStream(status)) AddReasons(closed, status, status.closed, kClosedNames);
  }
  Family& failures = AddFamily(families, "pgbeacon_tls_handshake_failures_total",
                               MetricType::Counter, "TLS handshakes that failed, by reason.");
  for (const ListenerStatus& status : listeners) {
    if (!IsTls(status)) continue;
    AddReasons(failures, status, status.handshake_failures, net::kTlsFailureNames);
  }
  Family& ends = AddFamily(families, "pgbeacon_tls_certificate_not_after_timestamp_seconds",
                           MetricType::Gauge, "When the TLS certificate ends.");
  for (const ListenerStatus& status : listeners) {
    if (!IsTls(status)) continue;
    AddSample(ends, {{"side", "listener"}, {"source", status.source}},
              status.certificate_not_after);
  }
}

}  // namespace pgbeacon::ingest
