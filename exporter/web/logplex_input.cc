#include "exporter/web/logplex_input.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "exporter/net/event.h"
#include "exporter/web/byte_budget.h"
#include "exporter/web/credentials.h"
#include "exporter/web/gunzip.h"
#include "exporter/web/secret_file.h"

namespace pgbeacon::web {
namespace {

using http::Request;
using http::Response;
using RequestPtr = std::shared_ptr<const Request>;

/// Above, before or after, the I/O thread would be held too long.
constexpr std::size_t kInlineGunzip = std::size_t{64} << 10;
constexpr std::size_t kMostFrameId = 64;
constexpr std::size_t kServerDigits = 8;
constexpr std::size_t kDrainDigits = 16;
constexpr std::size_t kShare = 4;                  // a drain has this part of what may be held
constexpr std::chrono::seconds kLeastPatience{1};  // after a body that took long to arrive

/// Why a delivery was not taken (label `reason`).
enum class Refused : std::uint8_t {
  kToken,
  kCredentials,
  kNotRead,
  kEncoding,
  kTooLarge,
  kQuota,
  kOverload,
  kLate,
  kNotDurable,
};
constexpr std::array<std::string_view, 9> kRefusedNames = {
    "token", "credentials", "not_read", "encoding",   "too_large",
    "quota", "overload",    "late",     "not_durable"};

std::optional<std::uint64_t> ParseCount(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return count;
}

/// Logplex' ids as they are; of others what fits into a row.
std::string FrameId(std::string_view id) {
  const bool plain = std::ranges::all_of(id, [](unsigned char c) { return c > ' ' && c < 0x7F; });
  if (plain && id.size() <= kMostFrameId) return std::string(id);
  return HexOf(DigestOf(id), kMostFrameId);
}

bool IsGzip(std::string_view encoding) {
  return SameIgnoringCase(encoding, "gzip") || SameIgnoringCase(encoding, "x-gzip");
}

/// What a request holds from its header to the end of what it brought.
struct Held {
  Held(std::shared_ptr<ByteBudget> budget, std::string drain_name, std::string server_name)
      : reservation(std::move(budget), drain_name),
        drain(std::move(drain_name)),
        server(std::move(server_name)) {}

  Reservation reservation;
  const std::string drain;
  const std::string server;
  const TimePoint begun = SteadyClock::now();
};

/// What the ingest thread says, on its way to the coroutine that waits for it.
struct Verdict {
  explicit Verdict(net::any_io_executor executor) : told(std::move(executor)) {}

  net::Event told;
  ingest::Taken taken = ingest::Taken::kNotDurable;
};

}  // namespace

struct LogplexInput::State {
  State(net::any_io_executor io, net::BlockingPool& threads, LogplexOptions given, Deliver to)
      : executor(std::move(io)),
        pool(threads),
        options(std::move(given)),
        deliver(std::move(to)),
        budget(std::make_shared<ByteBudget>(
            std::max(options.in_flight_bytes, options.body_bytes),
            std::max(options.in_flight_bytes / kShare, options.body_bytes))) {
    if (!options.tokens_file.empty()) tokens.emplace(options.tokens_file, ReadDrainToken);
    if (!options.credentials_file.empty()) {
      credentials.emplace(options.credentials_file, ReadCredentials);
    }
  }

  void Refresh() {
    if (tokens) tokens->Refresh();
    if (credentials) credentials->Refresh();
  }

  bool KnowsWho() const {
    return !options.closed && (!tokens || tokens->read()) && (!credentials || credentials->read());
  }

  Response Refuse(int status, Refused reason, std::string why) {
    ++refused[static_cast<std::size_t>(reason)];
    Response response;
    response.status = status;
    response.body = std::move(why) + "\n";
    if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "1");
    if (status == 401) {
      response.headers.emplace_back("WWW-Authenticate",
                                    "Basic realm=\"logplex\", charset=\"UTF-8\"");
    }
    if (status == 415) response.headers.emplace_back("Accept-Encoding", "gzip");
    return response;
  }

  Response RefuseRoom(ByteBudget::Room room) {
    if (room == ByteBudget::Room::kDrainFull) {
      return Refuse(429, Refused::kQuota, "too much of this drain is being taken");
    }
    return Refuse(503, Refused::kOverload, "too much is being taken");
  }

  /// Who may not deliver, by header alone; `server` is then not set.
  std::optional<Response> Authorise(const Request& header, std::string& server) {
    const TimePoint now = SteadyClock::now();
    if (!KnowsWho()) Refresh();
    if (!KnowsWho()) {
      return Refuse(503, Refused::kNotRead, "who may deliver could not be read; see the log");
    }
    if (credentials) {
      const auto given = BasicLogin(header.Header("authorization"));
      if (!given || !credentials->Find(*given, now)) {
        return Refuse(401, Refused::kCredentials, "no user of this name and password");
      }
    }
    const std::string_view token = header.Header("logplex-drain-token");
    if (tokens) {
      const std::optional<std::string> found = tokens->Find(token, now);
      if (!found) return Refuse(403, Refused::kToken, "no such drain token");
      server = *found;
    } else {
      server = token.empty() ? "drain-unnamed" : "drain-" + HexOf(DigestOf(token), kServerDigits);
    }
    return std::nullopt;
  }

  http::Admission Admit(const Request& header, std::optional<std::uint64_t> body_bytes) {
    http::Admission admission;
    std::string server;
    admission.refusal = Authorise(header, server);
    if (admission.refusal) return admission;
    const std::string_view encoding = header.Header("content-encoding");
    if (!encoding.empty() && !SameIgnoringCase(encoding, "identity") && !IsGzip(encoding)) {
      admission.refusal = Refuse(415, Refused::kEncoding, "send it plain or with gzip");
      return admission;
    }
    const std::string_view token = header.Header("logplex-drain-token");
    auto held = std::make_shared<Held>(budget, HexOf(DigestOf(token), kDrainDigits), server);
    const ByteBudget::Room room = held->reservation.Grow(
        body_bytes ? static_cast<std::size_t>(*body_bytes) : options.body_bytes);
    if (room != ByteBudget::Room::kEnough) {
      admission.refusal = RefuseRoom(room);
      return admission;
    }
    admission.held = std::move(held);
    return admission;
  }

  static net::awaitable<Response> Handle(std::shared_ptr<State> self, RequestPtr request) {
    const auto held = std::static_pointer_cast<Held>(request->admission);
    const TimePoint deadline = std::max(held->begun + self->options.patience,
                                        request->received + Duration(kLeastPatience));
    ingest::Delivery delivery;
    delivery.body = std::move(request->body);
    if (IsGzip(request->Header("content-encoding"))) {
      const std::size_t zipped_bytes = delivery.body.size();
      const std::size_t most = self->options.body_bytes;
      Unzipped unzipped;
      unzipped.too_large = zipped_bytes > kInlineGunzip;
      if (!unzipped.too_large) unzipped = Gunzip(delivery.body, std::min(most, kInlineGunzip));
      if (unzipped.too_large) {
        auto unzip = [zipped = std::move(delivery.body), most] { return Gunzip(zipped, most); };
        unzipped = co_await self->pool.Run(std::move(unzip));
      }
      if (unzipped.too_large) {
        co_return self->Refuse(413, Refused::kTooLarge, "the body is too large when decompressed");
      }
      if (unzipped.broken) ++self->broken_gzip;
      delivery.body = std::move(unzipped.text);
      const std::size_t bytes = delivery.body.size();
      const auto room = held->reservation.Grow(bytes > zipped_bytes ? bytes - zipped_bytes : 0);
      if (room != ByteBudget::Room::kEnough) co_return self->RefuseRoom(room);
    }
    delivery.server = held->server;
    delivery.drain = held->drain;
    delivery.frame_id = FrameId(request->Header("logplex-frame-id"));
    if (delivery.frame_id.empty()) ++self->unnamed;
    delivery.messages = ParseCount(request->Header("logplex-msg-count"));
    if (delivery.messages > self->options.body_bytes) delivery.messages.reset();  // of a byte each

    const auto verdict = std::make_shared<Verdict>(self->executor);
    self->deliver(std::move(delivery),
                  [verdict, held, executor = self->executor](ingest::Taken taken) {
                    net::asio::post(executor, [verdict, taken] {
                      verdict->taken = taken;
                      verdict->told.Set();
                    });
                  });
    const bool told = co_await verdict->told.Wait(deadline);
    co_return told ? self->Answer(verdict->taken)
                   : self->Refuse(503, Refused::kLate, "not on disk yet; send it again");
  }

  Response Answer(ingest::Taken taken) {
    switch (taken) {
      case ingest::Taken::kDurable:
        break;
      case ingest::Taken::kNotDurable:
        return Refuse(503, Refused::kNotDurable, "it cannot be written to disk");
    }
    return Response();
  }

  const net::any_io_executor executor;
  net::BlockingPool& pool;
  const LogplexOptions options;
  const Deliver deliver;
  const std::shared_ptr<ByteBudget> budget;
  std::optional<SecretFile> tokens;
  std::optional<SecretFile> credentials;
  std::array<std::uint64_t, kRefusedNames.size()> refused{};
  std::uint64_t broken_gzip = 0;
  std::uint64_t unnamed = 0;  // without a Logplex-Frame-Id
};

LogplexInput::LogplexInput(net::any_io_executor executor, net::BlockingPool& pool,
                           LogplexOptions options, Deliver deliver)
    : state_(std::make_shared<State>(std::move(executor), pool, std::move(options),
                                     std::move(deliver))) {}

void LogplexInput::Serve(http::Server& server) {
  State& state = *state_;
  state.Refresh();
  if (state.options.closed) {
    spdlog::error("POST {} answers 503 until the config file is right", kPath);
  } else if (!state.tokens && !state.credentials && !server.AsksCredentials()) {
    spdlog::warn(
        "POST {} takes what anybody sends: name the drains' tokens with --source.logplex-tokens, "
        "or ask for a password with --source.logplex-credentials",
        kPath);
  }
  http::RouteOptions options;
  options.own_credentials = state.options.closed || state.tokens || state.credentials;
  options.body_bytes = state.options.body_bytes;
  options.too_large = [state = state_] {
    ++state->refused[static_cast<std::size_t>(Refused::kTooLarge)];
  };
  options.gate = [state = state_](const Request& header, std::optional<std::uint64_t> body_bytes) {
    return state->Admit(header, body_bytes);
  };
  server.Route(
      "POST", kPath,
      [state = state_](RequestPtr request) { return State::Handle(state, std::move(request)); },
      std::move(options));
}

void LogplexInput::AppendFamilies(Families& families) const {
  const State& state = *state_;
  Family& refused = AddFamily(families, "pgbeacon_logplex_refused_total", MetricType::Counter,
                              "Logplex deliveries that were not answered 200, by reason.");
  for (std::size_t i = 0; i < state.refused.size(); ++i) {
    AddSample(refused, {{"reason", std::string(kRefusedNames[i])}},
              static_cast<double>(state.refused[i]));
  }
  AddSample(AddFamily(families, "pgbeacon_logplex_in_flight_bytes", MetricType::Gauge,
                      "Bytes of Logplex deliveries that are being read or counted."),
            {}, static_cast<double>(state.budget->taken()));
  AddSample(AddFamily(families, "pgbeacon_logplex_broken_gzip_total", MetricType::Counter,
                      "Logplex deliveries whose gzip ended early; what came before was counted."),
            {}, static_cast<double>(state.broken_gzip));
  AddSample(AddFamily(families, "pgbeacon_logplex_unidentified_total", MetricType::Counter,
                      "Logplex deliveries without a Logplex-Frame-Id: a retry counts again."),
            {}, static_cast<double>(state.unnamed));
  if (!state.tokens) return;
  AddSample(AddFamily(families, "pgbeacon_logplex_tokens", MetricType::Gauge,
                      "Drain tokens that are known."),
            {}, static_cast<double>(state.tokens->size()));
  AddSample(AddFamily(families, "pgbeacon_logplex_tokens_last_reload_successful", MetricType::Gauge,
                      "Whether the file of drain tokens was read without a mistake (1), or an "
                      "earlier version of it is in use (0)."),
            {}, state.tokens->successful() ? 1 : 0);
}

}  // namespace pgbeacon::web
