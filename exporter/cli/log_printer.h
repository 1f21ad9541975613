// LogPrinter: lines of `heroku logs` for a terminal.
//
// Example:
//   LogPrinter printer({.color = true, .terminal = true});
//   std::string shown = printer.Format("2026-01-31T23:59:59.5+00:00 app[web.1]: hello");
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace pgbeacon::cli {

class LogPrinter {
 public:
  struct Options {
    bool color = false;     ///< the beginning of each line, one colour for each process
    bool terminal = false;  ///< control characters are shown, not obeyed
  };

  explicit LogPrinter(Options options) : options_(options) {}

  /// One line or several, with LF at the end.
  std::string Format(std::string_view lines);

 private:
  void AppendLine(std::string_view line, std::string& out);
  void AppendText(std::string_view text, std::string& out) const;
  const char* ColorOf(std::string_view process);

  Options options_;
  std::map<std::string, std::size_t, std::less<>> colors_;  // by process
};

}  // namespace pgbeacon::cli
