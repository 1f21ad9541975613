#include "exporter/own_log/own_log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/clock.h"
#include "exporter/own_log/repeats.h"

namespace pgbeacon::own_log {
namespace {

using Level = spdlog::level::level_enum;

const char* LevelName(Level level) {
  if (level >= spdlog::level::err) return "error";
  constexpr const char* kNames[] = {"trace", "debug", "info", "warn"};
  return kNames[level];
}

class Sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit Sink(LineForm form) : form_(form) {}

  void TellAll() {
    const std::lock_guard<std::mutex> lock(mutex_);
    Tell(spdlog::log_clock::now(), SteadyClock::now() + Repeats::kWindow);
    flush_();
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    const TimePoint now = SteadyClock::now();
    Tell(message.time, now);
    if (message.level <= spdlog::level::debug || repeats_.Admit(message.level, text, now)) {
      Write(message.time, message.level, text);
    }
  }

  void flush_() override { std::fflush(stderr); }

 private:
  void Tell(spdlog::log_clock::time_point time, TimePoint now) {
    for (const Repeats::Held& held : repeats_.Take(now)) {
      Write(time, static_cast<Level>(held.level), held.Text());
    }
  }

  void Write(spdlog::log_clock::time_point time, Level level, std::string_view text) {
    const std::string line = FormatLine(form_, time, LevelName(level), text);
    std::fwrite(line.data(), 1, line.size(), stderr);
  }

  LineForm form_;
  Repeats repeats_;
};

}  // namespace

void SetUp(const std::string& level, LineForm form) {
  auto logger = std::make_shared<spdlog::logger>("pgbeacon", std::make_shared<Sink>(form));
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void End() {
  for (const spdlog::sink_ptr& sink : spdlog::default_logger()->sinks()) {
    if (auto* own = dynamic_cast<Sink*>(sink.get())) own->TellAll();
  }
}

}  // namespace pgbeacon::own_log
