#include "exporter/cli/leaving.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace pgbeacon::cli {
namespace {

void Mask(int how) {
  sigset_t hang_up;
  sigemptyset(&hang_up);
  sigaddset(&hang_up, SIGHUP);
  pthread_sigmask(how, &hang_up, nullptr);
}

}  // namespace

Leaving::Leaving() {
  struct sigaction end {};
  end.sa_flags = SA_SIGINFO;
  end.sa_sigaction = [](int, siginfo_t* info, void*) { _exit(info->si_value.sival_int); };
  sigaction(SIGALRM, &end, nullptr);
}

Leaving::~Leaving() {
  if (made_) timer_delete(timer_);
}

void Leaving::Within(std::chrono::milliseconds patience, int status) {
  std::fflush(stdout);
  if (made_) timer_delete(timer_);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  event.sigev_value.sival_int = status;
  made_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  if (!made_) return;
  itimerspec once{};
  once.it_value.tv_sec = patience.count() / 1000;
  once.it_value.tv_nsec = patience.count() % 1000 * 1'000'000;
  timer_settime(timer_, 0, &once, nullptr);
}

void TakeSignals() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { _exit(0); });
  Mask(SIG_BLOCK);
}

void LetHangUpThrough() { Mask(SIG_UNBLOCK); }

}  // namespace pgbeacon::cli
