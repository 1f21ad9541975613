// Preloaded into a program that is to run out of file descriptors: pipe() goes on working. The
// undefined-behaviour sanitizer asks by a pipe whether memory may be read, and takes every object
// for broken where there is none.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int pipe(int ends[2]) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  const struct rlimit more = {limit.rlim_cur + 2, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &more);
  const int result = (int)syscall(SYS_pipe2, ends, 0);
  setrlimit(RLIMIT_NOFILE, &limit);
  return result;
}
