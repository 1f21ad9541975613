#include "exporter/cli/logplex_options.h"

namespace pgbeacon::cli {

std::optional<web::LogplexOptions> ToLogplexOptions(const config::Logplex& logplex,
                                                    const ServeFlags& flags) {
  const bool told = !flags.logplex_tokens.empty() || !flags.logplex_credentials.empty();
  if (!flags.logplex && !told && !logplex.open) return std::nullopt;
  web::LogplexOptions options;
  options.closed = logplex.invalid && !told;
  options.tokens_file = flags.logplex_tokens.empty() ? logplex.tokens : flags.logplex_tokens;
  options.credentials_file =
      flags.logplex_credentials.empty() ? logplex.credentials : flags.logplex_credentials;
  options.body_bytes = logplex.body_bytes.value_or(options.body_bytes);
  options.in_flight_bytes = logplex.in_flight_bytes.value_or(options.in_flight_bytes);
  return options;
}

}  // namespace pgbeacon::cli
