// Passwords: users and the bcrypt hashes of their passwords. A hash takes as long as it is meant
// to, so it is computed on a thread of the pool, one at a time; who was right is remembered.
//
// Example:
//   Passwords passwords(executor, pool);
//   passwords.Set({{"prometheus", "$2y$10$..."}});
//   const auto verdict = co_await passwords.Check("prometheus:secret");
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/web/secret_file.h"

namespace pgbeacon::web {

/// All members are called on the executor's one thread. Outlives its checks.
class Passwords {
 public:
  static constexpr std::size_t kMostVerified = 100;
  static constexpr std::size_t kMostWaiting = 64;

  enum class Verdict : std::uint8_t {
    kRight,
    kWrong,
    kBusy,  ///< too many wait, or it took too long
  };

  using Users = std::map<std::string, std::string, std::less<>>;

  /// `pool` outlives all checks.
  Passwords(net::any_io_executor executor, net::BlockingPool& pool);
  Passwords(const Passwords&) = delete;
  Passwords& operator=(const Passwords&) = delete;

  /// Name -> bcrypt hash. Forgets who was right before.
  void Set(Users users);

  /// "user:password". An unknown user costs what the dearest of the known ones costs.
  net::awaitable<Verdict> Check(std::string login);

  std::size_t verified() const { return verified_.size(); }
  std::uint64_t hashed() const { return hashed_; }  ///< how often a hash was computed

 private:
  class Turn;

  bool IsVerified(const Digest& digest) const;
  void Remember(const Digest& digest);

  net::any_io_executor executor_;
  net::BlockingPool& pool_;
  Users users_;
  std::string unknown_;     // the hash of nobody's password
  const std::string salt_;  // of the digests, so that memory tells nothing
  std::deque<Digest> verified_;
  bool hashing_ = false;
  std::list<net::asio::steady_timer*> waiting_;
  std::uint64_t hashed_ = 0;
};

}  // namespace pgbeacon::web
