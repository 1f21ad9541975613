// `pgbeacon parse`: whole logs read once; a summary, a metrics page or the messages themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pgbeacon::cli {

struct ParseOptions {
  std::vector<std::string> files;     ///< paths, also of gzip files; "-" is stdin
  std::optional<std::string> prefix;  ///< log_line_prefix; absent: detected
  std::string format = "auto";        ///< log::FormNames()
  std::string config_file;            ///< users' events and what to count by; empty: none
  std::string output = "table";       ///< table, prom or json
  bool events = false;                ///< one JSON object per message instead
  int top = 0;             ///< the statements that stand out instead, that many of each kind
  bool with_text = false;  ///< with `events` and `top`: texts as well
  std::optional<int> datname_limit;  ///< log::TallyOptions
  std::optional<int> fingerprints;
  int threads = 1;
};

/// Data goes to stdout, diagnostics and progress to stderr. The exit status: 0, 1 when an input
/// could not be read to its end, 2 when the options are wrong.
int RunParse(const ParseOptions& options);

}  // namespace pgbeacon::cli
