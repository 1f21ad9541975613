// Input: the bytes of one log from its beginning: a plain file, a gzip file (several members too)
// or stdin, which may be either.
//
// Example:
//   Result<Input> input = Input::Open("postgresql.log.gz");
//   for (;;) {
//     Result<std::size_t> got = input->Read(buffer);
//     if (!got.ok() || *got == 0) break;
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

struct gzFile_s;

namespace pgbeacon::ingest {

class Input {
 public:
  /// "-" is stdin. The Error names the file and the reason.
  static Result<Input> Open(const std::string& path);

  /// Fills the buffer as far as the input goes; 0 at its end. An Error for a device's fault, a
  /// damaged or a truncated gzip file.
  Result<std::size_t> Read(std::span<char> buffer);

  /// Bytes of the file taken so far, compressed ones where it is compressed.
  std::uint64_t consumed() const;

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };

  Input(std::string path, gzFile_s* file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

}  // namespace pgbeacon::ingest
