// The jobs there are. Each is made from its part of the configuration.
#pragma once

#include <atomic>
#include <memory>

#include "exporter/config/native.h"
#include "exporter/native/job.h"
#include "exporter/native/server.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::native {

/// What jobs work with; outlives them but for `stopped`, which they share.
struct JobContext {
  net::any_io_executor executor;
  net::BlockingPool& pool;  ///< for connects, files and commands
  Server& server;
  std::shared_ptr<const std::atomic<bool>> stopped;
};

std::unique_ptr<Job> MakeHostJob(const JobContext& context);
std::unique_ptr<Job> MakeEntrypointJob(const JobContext& context,
                                       const config::Entrypoint& entrypoint);
std::unique_ptr<Job> MakePgBouncerJob(const JobContext& context, const config::Pooler& pooler);
std::unique_ptr<Job> MakePatroniJob(const JobContext& context, const config::PatroniApi& api);
std::unique_ptr<Job> MakePgBackRestJob(const JobContext& context, const config::Backrest& backrest);
std::unique_ptr<Job> MakeBackupsJob(const JobContext& context, const config::Inventory& inventory);

}  // namespace pgbeacon::native
