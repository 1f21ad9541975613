// Threads for calls that block: PQconnectStart (files, name resolution), PQcancel, bcrypt, gzip of
// large pages.
//
// Example:
//   Page page = co_await pool.Run([body] { return Compress(body); });   // name the lambda: see
//   asio.h
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "exporter/net/asio.h"

namespace pgbeacon::net {

class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads = 2) : pool_(threads) {}
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  ~BlockingPool() { pool_.join(); }

  /// Runs `work` on a pool thread and resumes the caller on its own executor with the result.
  template <class Work>
  awaitable<std::invoke_result_t<Work>> Run(Work work) {
    using Value = std::invoke_result_t<Work>;
    const any_io_executor caller = co_await asio::this_coro::executor;
    std::optional<Value> value;
    co_await asio::post(asio::bind_executor(pool_.get_executor(), asio::use_awaitable));
    std::exception_ptr failure;
    try {
      value.emplace(work());
    } catch (...) {
      failure = std::current_exception();
    }
    co_await asio::post(asio::bind_executor(caller, asio::use_awaitable));
    if (failure) std::rethrow_exception(failure);
    co_return std::move(*value);
  }

 private:
  asio::thread_pool pool_;
};

}  // namespace pgbeacon::net
