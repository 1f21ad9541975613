// Answers of other programs: any text becomes families without NaN, or an error.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collectors/native/backup.h"
#include "collectors/native/cgroup.h"
#include "collectors/native/host.h"
#include "collectors/native/patroni.h"
#include "collectors/native/pgbackrest.h"

namespace {

using namespace pgbeacon;
using namespace pgbeacon::collectors;

void Check(const Families& families) {
  for (const Family& family : families) {
    for (const ClientMetric& metric : family.metric) {
      if (!std::isfinite(metric.gauge.value) || metric.counter.value < 0) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t dropped = 0;
  Patroni patroni;
  (void)patroni.AddMember(text).ok();
  (void)patroni.AddCluster(text).ok();
  (void)patroni.AddConfig(text).ok();
  Check(patroni.Take(1e9, dropped));
  BackrestContext context;
  context.now = 1e9;
  context.system_identifier = "1";
  context.major = 15;
  context.wal_segment_bytes = 16777216;
  context.last_archived_wal = "000000010000000000000001";
  const Result<BackrestInfo> info = ReadBackrestInfo(text);
  if (info.ok()) Check(BackrestFamilies(*info, context, dropped));
  const Result<BackupSet> set = ReadInventory(text);
  Sheet sheet;
  if (set.ok()) AddBackups(*set, 1e9, sheet);
  CgroupFiles files;
  for (const char* name : kCgroupFiles) files[name] = text;
  AddCgroup(
      files, [](std::string_view) { return ""; }, sheet);
  Check(sheet.Take());
  (void)CgroupPath(text);
  (void)ParseTimestamp(text);
  (void)DecodeDiskIo(text, 8, 0);
  (void)DecodeCpuSeconds(text, 100);
  (void)DecodeMemory(text);
  return 0;
}
