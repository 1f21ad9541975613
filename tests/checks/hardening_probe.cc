// Something to protect: a buffer on the stack that is filled with as many bytes as the caller
// likes.
#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  char text[64];
  for (int i = 0; i < argc; ++i) {
    std::memcpy(text, argv[i], std::strlen(argv[i]) + 1);
    std::puts(text);
  }
  return 0;
}
