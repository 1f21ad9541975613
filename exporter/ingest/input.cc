#include "exporter/ingest/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace pgbeacon::ingest {
namespace {

constexpr unsigned kBufferBytes = 256 << 10;

Error Failed(const std::string& path, const std::string& reason) {
  return {ErrorCode::kUnavailable, path + ": " + reason};
}

}  // namespace

void Input::Close::operator()(gzFile_s* file) const { gzclose(file); }

Result<Input> Input::Open(const std::string& path) {
  const bool is_stdin = path == "-";
  const int descriptor =
      is_stdin ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) return Failed(path, std::generic_category().message(errno));
  struct stat status = {};
  if (fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    close(descriptor);
    return Failed(path, "is a folder; name the log files in it");
  }
  gzFile_s* file = gzdopen(descriptor, "rb");
  if (file == nullptr) {
    close(descriptor);
    return Failed(path, "cannot be read");
  }
  gzbuffer(file, kBufferBytes);
  Input input(is_stdin ? "stdin" : path, file);
  if (path.ends_with(".gz") && status.st_size > 0 && gzdirect(file) != 0) {
    return Failed(path, "not a gzip file, although its name ends in .gz");
  }
  return input;
}

Result<std::size_t> Input::Read(std::span<char> buffer) {
  const auto most =
      static_cast<unsigned>(std::min<std::size_t>(buffer.size(), std::numeric_limits<int>::max()));
  const int got = gzread(file_.get(), buffer.data(), most);
  int code = Z_OK;
  const char* message = gzerror(file_.get(), &code);
  if (got < 0 || (got == 0 && code == Z_BUF_ERROR)) {
    if (code == Z_ERRNO) return Failed(path_, std::generic_category().message(errno));
    return Failed(path_, code == Z_BUF_ERROR ? std::string("gzip file is truncated")
                                             : std::string("gzip file is damaged: ") + message);
  }
  return static_cast<std::size_t>(got);
}

std::uint64_t Input::consumed() const {
  const z_off_t offset = gzoffset(file_.get());
  return offset < 0 ? 0 : static_cast<std::uint64_t>(offset);
}

}  // namespace pgbeacon::ingest
