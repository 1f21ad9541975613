#include "exporter/cli/logs.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/text.h"
#include "exporter/cli/commands.h"
#include "exporter/cli/leaving.h"
#include "exporter/cli/log_printer.h"
#include "exporter/cli/table.h"
#include "exporter/http/client.h"
#include "exporter/http/event_stream.h"
#include "exporter/http/query.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/net/regular_file.h"

namespace pgbeacon::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};  // for the response to begin
constexpr std::chrono::seconds kSilence{45};   // three heartbeats
constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{10};
constexpr int kSignalStatus = 128;

void Say(const std::string& message) {
  std::fputs(("pgbeacon: " + message + "\n").c_str(), stderr);
}

/// "/logs?app=...", below the path of the URL.
std::string Target(const LogsOptions& options, const http::Url& url) {
  std::string path = url.target.substr(0, url.target.find('?'));
  while (path.ends_with('/')) path.pop_back();
  if (!path.ends_with("/logs")) path += "/logs";
  path += options.output == "json" ? "?format=sse" : "?format=sse-text";
  const auto add = [&path](const char* name, const std::string& value) {
    if (!value.empty())
      path.append("&").append(name).append("=").append(http::PercentEncode(value));
  };
  for (const std::string& app : options.apps) add("app", app);
  add("num", std::to_string(options.num));
  add("ps", options.process);
  add("source", options.source);
  add("severity", options.severity);
  add("tail", options.tail ? "1" : "0");
  return path;
}

std::string WhatToDo(const Error& error) {
  if (error.message.find("refused") == std::string::npos) return error.message;
  return error.message +
         "; is `pgbeacon serve --web.enable-logs` running there? --url names another";
}

std::string WhatToDo(int status, const std::string& body, bool has_token) {
  const std::string said(Trim(body.substr(0, body.find('\n'))));
  if (status == 404) return "no /logs there: start pgbeacon serve with --web.enable-logs";
  if (status == 401 && has_token) return "the token is not known there, or not its password";
  if (status == 401) return said + ": --token-file FILE, or user:password in --url";
  return "HTTP status " + std::to_string(status) + ": " + said;
}

class Command {
 public:
  Command(LogsOptions options, const http::Url& url, std::string token)
      : options_(std::move(options)),
        token_(std::move(token)),
        has_login_(!token_.empty() || !url.user_info.empty()),
        target_(Target(options_, url)),
        client_(io_.get_executor(), pool_, url, ToTls(options_)),
        printer_(ToPrinter(options_)) {}

  int Run() {
    net::asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait([this](const net::error_code& error, int signal) {
      if (error) return;
      status_ = kSignalStatus + signal;
      io_.stop();
    });
    net::asio::co_spawn(io_, Follow(), [this](std::exception_ptr failure) {
      io_.stop();
      if (failure) std::rethrow_exception(failure);
    });
    io_.run();
    std::fflush(stdout);
    return status_;
  }

 private:
  static net::ClientTls ToTls(const LogsOptions& options) {
    net::ClientTls tls;
    tls.ca_file = options.ca_file;
    return tls;
  }
  static LogPrinter::Options ToPrinter(const LogsOptions& options) {
    LogPrinter::Options printer;
    printer.color = options.color == "always" || (options.color == "auto" && WantsColor());
    printer.terminal = isatty(STDOUT_FILENO) != 0;
    return printer;
  }

  /// Reads until the end; with --tail begins again whenever a stream that had begun is lost.
  net::awaitable<void> Follow() {
    net::asio::steady_timer timer(io_);
    std::chrono::seconds pause = kFirstPause;
    for (;;) {
      begun_ = false;
      const Status ended = co_await ReadOnce();
      const bool retry = options_.tail && followed_ && !refused_;
      if (!retry) {
        if (!ended.ok()) Say(ended.error().message);
        status_ = ended.ok() ? 0 : 1;
        co_return;
      }
      if (begun_) pause = kFirstPause;
      const std::string why = ended.ok() ? "the server ended the stream" : ended.error().message;
      Say(why + "; trying again in " + std::to_string(pause.count()) + " s");
      timer.expires_after(pause);
      co_await timer.async_wait(net::kNoThrow);
      pause = std::min(pause * 2, kLongestPause);
    }
  }

  net::awaitable<Status> ReadOnce() {
    http::ClientRequest request;
    request.target = target_;
    if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
    if (!last_id_.empty()) request.headers.emplace_back("Last-Event-ID", last_id_);
    http::EventStream events;
    Result<http::ClientResponse> response = co_await client_.Open(std::move(request), kPatience);
    if (!response.ok()) co_return Error(response.error().code, WhatToDo(response.error()));
    const bool good = response->status == 200;
    refused_ = response->status >= 400 && response->status < 500;
    followed_ = followed_ || good;
    begun_ = good;
    std::string refusal;
    for (;;) {
      const Result<std::string> piece = co_await client_.Read(kSilence);
      if (!piece.ok()) co_return piece.error();
      if (piece->empty()) break;
      if (good) {
        events.Feed(*piece, [this](const http::Event& event) { Print(event); });
        std::fflush(stdout);
      } else if (refusal.size() < http::Client::kMostBody) {
        refusal += *piece;
      }
    }
    if (good) co_return Status();
    co_return Error(ErrorCode::kUnavailable, WhatToDo(response->status, refusal, has_login_));
  }

  void Print(const http::Event& event) {
    const std::string text =
        options_.output == "json" ? event.data + "\n" : printer_.Format(event.data);
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (!event.id.empty()) last_id_ = event.id;
  }

  net::asio::io_context io_{1};
  net::BlockingPool pool_;
  LogsOptions options_;
  std::string token_;
  bool has_login_;
  std::string target_;
  http::Client client_;
  LogPrinter printer_;
  std::string last_id_;
  bool followed_ = false;  // some response was a stream
  bool begun_ = false;     // the last one was
  bool refused_ = false;   // it will never be one
  int status_ = 0;
};

}  // namespace

int RunLogs(const LogsOptions& options) {
  const Result<http::Url> url = http::ParseUrl(options.url);
  if (!url.ok()) {
    Say("--url: " + url.error().message);
    return kUsageStatus;
  }
  std::string token;
  if (!options.token_file.empty()) {
    const Result<std::string> text = net::ReadRegularFile(options.token_file);
    if (!text.ok()) {
      Say("--token-file: " + text.error().message);
      return 1;
    }
    token = std::string(Trim(*text));
  }
  Leaving leaving;
  Command command(options, *url, std::move(token));
  const int status = command.Run();
  leaving.Within(Leaving::kPatience, status);
  return status;
}

}  // namespace pgbeacon::cli
