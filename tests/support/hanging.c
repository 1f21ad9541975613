// Preloaded into a program whose name server and one of whose mounts hang: names that begin with
// "hung" have no answer for PGB_HANGS seconds, and as long takes what opens a path with "/hung/".
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void hang(void) {
  const char* seconds = getenv("PGB_HANGS");
  unsigned left = seconds ? (unsigned)atoi(seconds) : 0;
  while (left > 0) left = sleep(left);
}

int getaddrinfo(const char* host, const char* service, const struct addrinfo* hints,
                struct addrinfo** found) {
  int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**) =
      (int (*)(const char*, const char*, const struct addrinfo*, struct addrinfo**))dlsym(
          RTLD_NEXT, "getaddrinfo");
  if (host && strncmp(host, "hung", 4) == 0) {
    hang();
    return EAI_AGAIN;
  }
  return real(host, service, hints, found);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  if (strstr(path, "/hung/")) hang();
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
