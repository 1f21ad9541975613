// `pgbeacon parse`: whole logs read once; a summary, a metrics page or the messages themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pgbeacon::cli {

struct ParseOptions {
  std::vector<std::string> files;     ///< paths, also of gzip files; "-" is stdin
  std::optional<std::string> prefix;  ///< log_line_prefix; absent: detected
  /// auto, stderr or heroku: all are read alike, for a line tells by itself whether it comes in an
  /// envelope of `heroku logs`.
  std::string format = "auto";
  std::string output = "table";  ///< table, prom or json
  bool events = false;           ///< one JSON object per message instead
  bool with_text = false;        ///< with `events`: texts as well
  int threads = 1;
};

/// Data goes to stdout, diagnostics and progress to stderr. The exit status: 0, 1 when an input
/// could not be read to its end, 2 when the options are wrong.
int RunParse(const ParseOptions& options);

}  // namespace pgbeacon::cli
