// Delivers as Logplex does: a frame that is answered 4xx is lost, one that is answered 429 or 5xx
// or not in time is sent twice more under the same id. A receiver that cannot be reached costs no
// attempt: nobody has seen the frame.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <new>
#include <random>
#include <utility>

#include "exporter/fanout/drain.h"
#include "exporter/http/client.h"

namespace pgbeacon::fanout {
namespace {

constexpr std::size_t kMostBytes = 102'400;  // Logplex' own; a single message may be larger
constexpr int kAttempts = 3;

/// 32 upper hexadecimal digits: the MD5 of the body, of where it comes from and of its place there,
/// so that two frames of equal lines are two.
std::string FrameId(std::string_view origin, std::uint64_t number, std::string_view body) {
  const std::string text = fmt::format("{} {} {}", origin, number, body);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) != 1) {
    throw std::bad_alloc();  // the only failure that is left
  }
  std::string id;
  for (unsigned int i = 0; i < size; ++i) id += fmt::format("{:02X}", digest[i]);
  return id;
}

std::string Random() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

DrainFailure FailureOfStatus(int status) {
  if (status == 429) return DrainFailure::kHttp429;
  if (status >= 400 && status < 500) return DrainFailure::kHttp4xx;
  return status >= 500 ? DrainFailure::kHttp5xx : DrainFailure::kHttpOther;
}

class HttpsDrain : public Drain {
 public:
  HttpsDrain(const net::any_io_executor& executor, net::BlockingPool& pool,
             const DrainOptions& options)
      : Drain(executor, options),
        where_(options.address.url.Authority()),
        client_(executor, pool, options.address.url, options.tls) {}

 private:
  http::ClientRequest ToRequest(const DrainFrame& frame, const std::string& id) const {
    http::ClientRequest request;
    request.method = "POST";
    request.headers = {{"Content-Type", "application/logplex-1"},
                       {"Logplex-Msg-Count", std::to_string(frame.messages())},
                       {"Logplex-Frame-Id", id}};
    if (!options().token.empty()) {
      request.headers.emplace_back("Logplex-Drain-Token", options().token);
    }
    request.body = frame.body;
    return request;
  }

  net::awaitable<void> Deliver() override {
    const DrainFrame frame = Next(kMostBytes);
    const std::string id = FrameId(origin_, ++frames_, frame.body);
    for (int attempts = 0; attempts < kAttempts && !stopped();) {
      http::ClientRequest request = ToRequest(frame, id);
      const Result<http::ClientResponse> response =
          co_await client_.Send(std::move(request), options().times.request);
      if (stopped()) co_return;
      DrainFailure failure = DrainFailure::kConnection;
      std::string why;
      if (response.ok()) {
        if (response->status >= 200 && response->status < 300) {
          Delivered(frame);
          co_return;
        }
        failure = FailureOfStatus(response->status);
        why = where_ + " answered " + std::to_string(response->status);
      } else {
        failure = FailureOf(response.error().code);
        why = response.error().message;
      }
      if (failure == DrainFailure::kHttp4xx) {
        Lose(frame, figures_.rejected);
        co_await Failed(failure, why);
        co_return;
      }
      if (client_.connected()) ++attempts;
      if (attempts == kAttempts) Lose(frame, figures_.dropped);
      co_await Failed(failure, why);
    }
  }

  void Disconnect() override { client_.Close(); }

  const std::string where_;
  const std::string origin_ = Random();
  std::uint64_t frames_ = 0;
  http::Client client_;
};

}  // namespace

std::shared_ptr<Drain> MakeHttpsDrain(const net::any_io_executor& executor, net::BlockingPool& pool,
                                      DrainOptions options) {
  return std::make_shared<HttpsDrain>(executor, pool, options);
}

}  // namespace pgbeacon::fanout
