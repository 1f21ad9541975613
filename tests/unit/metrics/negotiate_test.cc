#include "exporter/metrics/negotiate.h"

#include <gtest/gtest.h>

namespace pgbeacon::metrics {
namespace {

constexpr auto kText = Format::kText;
constexpr auto kOpen = Format::kOpenMetrics;

TEST(NegotiateFormat, ServesWhatIsPreferred) {
  const struct {
    const char* accept;
    Format format;
  } cases[] = {
      {"", kText},
      {"*/*", kText},
      {"application/*", kText},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", kText},
      {"text/plain;version=0.0.4", kText},
      {"application/openmetrics-text", kOpen},
      {"Application/OpenMetrics-Text ; Version=1.0.0", kOpen},
      {"application/openmetrics-text; version=\"1.0.0\"; charset=utf-8", kOpen},
      {"application/openmetrics-text;version=0.0.1", kOpen},
      {"application/openmetrics-text;version=2.0.0", kText},
      {"application/openmetrics-text;q=0", kText},
      {"application/openmetrics-text;q=0.5,text/plain;q=0.9", kText},
      {"application/openmetrics-text;q=0.5,text/plain;q=0.5", kOpen},
      {"application/openmetrics-text;q=0.7,text/plain;version=0.0.4;q=0.5,*/*;q=0.9", kOpen},
      {"application/openmetrics-text;q=0.7,text/*;q=0.8,*/*;q=0.1", kText},
      {"application/openmetrics-text;q=x", kText},
      {"application/openmetrics-text;q=2", kText},
      {",,;;,", kText},
      // Prometheus 2.42
      {"application/openmetrics-text;version=1.0.0,application/"
       "openmetrics-text;version=0.0.1;q=0.75,"
       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kOpen},
      // Prometheus 3
      {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
       "application/openmetrics-text;version=0.0.1;q=0.4,"
       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/"
       "*;q=0.1",
       kOpen},
      // Prometheus 3 with native histograms
      {"application/"
       "vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
       "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
       kOpen},
      // Prometheus 3 with scrape_protocols: [PrometheusText0.0.4]
      {"text/plain;version=0.0.4;q=0.5,*/*;q=0.1", kText},
  };
  for (const auto& [accept, format] : cases) EXPECT_EQ(NegotiateFormat(accept), format) << accept;
}

TEST(NegotiateFormat, ContentTypeNamesTheVersion) {
  EXPECT_EQ(ContentType(kText), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(ContentType(kOpen), "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST(AcceptsGzip, FollowsTheHeader) {
  for (const char* yes :
       {"gzip", "GZIP", "deflate, gzip;q=0.5", "*", "br, *;q=0.1", "x-gzip", "gzip;q=1.000"}) {
    EXPECT_TRUE(AcceptsGzip(yes)) << yes;
  }
  for (const char* no : {"", "identity", "gzip;q=0", "*, gzip;q=0", "*;q=0", "gzipped",
                         "gzip;q=0.0", "gzip;q=nan"}) {
    EXPECT_FALSE(AcceptsGzip(no)) << no;
  }
}

}  // namespace
}  // namespace pgbeacon::metrics
