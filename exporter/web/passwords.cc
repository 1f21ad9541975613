#include "exporter/web/passwords.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <utility>

#include "exporter/config/web_config.h"

namespace pgbeacon::web {
namespace {

constexpr std::size_t kSaltBytes = 32;
constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kCostAt = 4;

std::string RandomBytes() {
  std::string bytes(kSaltBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), kSaltBytes) != 1) {
    throw std::bad_alloc();  // the only failure that is left
  }
  return bytes;
}

/// A hash of the greatest cost among the users', which no password has.
std::string UnknownHash(const Passwords::Users& users) {
  std::string hash = "$2b$10$" + std::string(53, '.');
  int most = 0;
  for (const auto& [name, known] : users) {
    const int cost = config::BcryptCost(known).value_or(0);
    if (cost > most) hash.replace(kCostAt, 2, known, kCostAt, 2);
    most = std::max(most, cost);
  }
  return hash;
}

/// On a thread of the pool: takes as long as the hash's cost says.
bool Matches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  const bool same = made != nullptr && std::string_view(made).size() == hash.size() &&
                    CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(data.get(), sizeof *data);
  return same;
}

}  // namespace

/// The turn to compute a hash: waited for in order, passed on at the end.
class Passwords::Turn {
 public:
  explicit Turn(Passwords& passwords) : passwords_(passwords), timer_(passwords.executor_) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (waits_) std::erase(passwords_.waiting_, &timer_);
    if (!mine_) return;
    passwords_.hashing_ = false;
    if (!passwords_.waiting_.empty()) passwords_.waiting_.front()->cancel();
  }

  /// False where there are too many before, or it takes too long.
  net::awaitable<bool> Wait() {
    if (passwords_.waiting_.size() >= kMostWaiting) co_return false;
    timer_.expires_after(kPatience);
    passwords_.waiting_.push_back(&timer_);
    waits_ = true;
    bool in_time = true;
    while (in_time && !First()) {
      const auto [error] = co_await timer_.async_wait(net::kNoThrow);
      in_time = !!error;
    }
    if (!First()) co_return false;
    passwords_.waiting_.pop_front();
    waits_ = false;
    passwords_.hashing_ = true;
    mine_ = true;
    co_return true;
  }

 private:
  bool First() const { return !passwords_.hashing_ && passwords_.waiting_.front() == &timer_; }

  Passwords& passwords_;
  net::asio::steady_timer timer_;
  bool waits_ = false;
  bool mine_ = false;
};

Passwords::Passwords(net::any_io_executor executor, net::BlockingPool& pool)
    : executor_(std::move(executor)), pool_(pool), salt_(RandomBytes()) {}

void Passwords::Set(Users users) {
  users_ = std::move(users);
  unknown_ = UnknownHash(users_);
  verified_.clear();
}

bool Passwords::IsVerified(const Digest& digest) const {
  return std::ranges::any_of(verified_, [&digest](const Digest& known) {
    return CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0;
  });
}

void Passwords::Remember(const Digest& digest) {
  if (IsVerified(digest)) return;
  if (verified_.size() >= kMostVerified) verified_.pop_front();
  verified_.push_back(digest);
}

net::awaitable<Passwords::Verdict> Passwords::Check(std::string login) {
  const std::size_t colon = login.find(':');
  // bcrypt takes a password up to its first NUL: the rest would not count.
  if (colon == std::string::npos || login.find('\0') != std::string::npos) {
    co_return Verdict::kWrong;
  }
  const auto user = users_.find(std::string_view(login).substr(0, colon));
  const bool known = user != users_.end();
  const std::string hash = known ? user->second : unknown_;
  const Digest digest = DigestOf(salt_ + hash + login);
  if (known && IsVerified(digest)) co_return Verdict::kRight;
  Turn turn(*this);
  const bool mine = co_await turn.Wait();
  if (!mine) co_return Verdict::kBusy;
  // Whoever was before may have had the same password.
  if (known && IsVerified(digest)) co_return Verdict::kRight;
  ++hashed_;
  auto work = [password = login.substr(colon + 1), hash] { return Matches(password, hash); };
  const bool right = co_await pool_.Run(std::move(work));
  if (!right || !known) co_return Verdict::kWrong;
  Remember(digest);
  co_return Verdict::kRight;
}

}  // namespace pgbeacon::web
