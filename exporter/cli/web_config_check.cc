#include "exporter/cli/web_config_check.h"

#include <fmt/format.h>

#include <cstdio>

#include "exporter/config/web_config.h"

namespace pgbeacon::cli {

int RunWebConfigCheck(const std::string& file) {
  YamlErrors errors;
  const config::WebConfig web = config::LoadWebConfig(file, errors);
  if (!errors.empty()) {
    const std::string mistakes = errors.ToError().message;
    std::fputs(fmt::format("{}\npgbeacon: {} is not valid\n", mistakes, file).c_str(), stderr);
    return 1;
  }
  std::string text = fmt::format("{} is valid: TLS {}, {} user(s), {} header(s)\n", file,
                                 web.tls ? "on" : "off", web.users.size(), web.headers.size());
  for (const std::string& note : web.notes) text += "note: " + note + "\n";
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace pgbeacon::cli
