// Reads the host's files for collectors/native/host.h. What cannot be read is absent; where that is
// because this process can open no file at all, `trouble` says so: then nothing is known of the
// host, not even whether the server runs on it.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "collectors/native/host.h"

namespace pgbeacon::scrape {

/// A file of /proc or /sys; empty where it cannot be read.
std::string ReadText(const std::string& path, Status* trouble = nullptr);

/// The host this process runs on, with the file system that holds `path`.
collectors::Host ReadHost(const std::string& path);

std::optional<collectors::Memory> ReadMemory(Status* trouble = nullptr);

/// Of the device that holds `path`; nothing where it is on none (tmpfs, overlays, networks).
std::optional<collectors::DiskIo> ReadDiskIo(const std::string& path, Status* trouble = nullptr);

/// The file system that holds `path`.
std::optional<collectors::Disk> ReadDisk(const std::string& path);

/// The postmaster's process id, where process `backend` is one of PostgreSQL here and its
/// postmaster was started at `start` (seconds since the epoch), so that the server that named both
/// is on this host.
std::optional<int> FindPostmaster(int backend, double start, Status* trouble = nullptr);

/// Memory of the postmaster and its processes: what each has of its own, and once what they share.
std::optional<double> ReadServerMemory(int postmaster, Status* trouble = nullptr);

}  // namespace pgbeacon::scrape
