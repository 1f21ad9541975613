#include "exporter/cli/logging.h"

#include <fmt/chrono.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <chrono>
#include <memory>

#include "base/text.h"

namespace pgbeacon::cli {
namespace {

const char* LevelName(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return "error";
  if (level == spdlog::level::warn) return "warn";
  return level == spdlog::level::info ? "info" : "debug";
}

/// One line per message, the text quoted as JSON quotes it, which logfmt readers take as well.
class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(bool json) : json_(json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto since_epoch = message.time.time_since_epoch();
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    const std::string time =
        fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                    fmt::gmtime(static_cast<std::time_t>(millis / 1000)), millis % 1000);
    const std::string text = boost::json::serialize(
        boost::json::string(ToUtf8({message.payload.data(), message.payload.size()})));
    constexpr const char* kJson = "{{\"ts\":\"{}\",\"level\":\"{}\",\"msg\":{}}}\n";
    constexpr const char* kLogfmt = "ts={} level={} msg={}\n";
    fmt::format_to(std::back_inserter(out), fmt::runtime(json_ ? kJson : kLogfmt), time,
                   LevelName(message.level), text);
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(json_);
  }

 private:
  bool json_;
};

}  // namespace

void SetUpLogging(const std::string& level, const std::string& format) {
  auto logger = std::make_shared<spdlog::logger>("pgbeacon",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<LineFormatter>(format == "json"));
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace pgbeacon::cli
