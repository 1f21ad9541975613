// Reads the host's files for collectors/native/host.h.
#pragma once

#include <string>

#include "collectors/native/host.h"

namespace pgbeacon::scrape {

/// The host this process runs on, with the file system that holds `path`. What cannot be read is
/// absent.
collectors::Host ReadHost(const std::string& path);

}  // namespace pgbeacon::scrape
