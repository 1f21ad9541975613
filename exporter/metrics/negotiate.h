// What a client accepts: which page format, and whether compressed.
//
// Example:
//   Format format = NegotiateFormat(request.Header("accept"));
//   bool gzip = AcceptsGzip(request.Header("accept-encoding"));
#pragma once

#include <string_view>

namespace pgbeacon::metrics {

enum class Format { kText, kOpenMetrics };

/// The value of Content-Type.
std::string_view ContentType(Format format);

/// What the Accept header prefers: OpenMetrics only where it is asked for by name with the higher
/// or an equal quality; anything else, or nothing, is text. (RFC 9110, section 12.5.1)
Format NegotiateFormat(std::string_view accept);

/// Whether Accept-Encoding allows gzip (RFC 9110, section 12.5.3); an absent header does not.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace pgbeacon::metrics
