#include "cmkd/core/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "cmkd/core/error.h"

namespace cmkd {

namespace {

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void handle_interrupt(int /*signal*/) {
  if (requested.exchange(true)) _exit(2);
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = handle_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupt_requested() noexcept { return requested.load(); }

void throw_if_interrupted() {
  if (interrupt_requested()) {
    throw Error(ErrorKind::kInterrupted,
                {.what = "interrupted", .fix = "run the same command again: it continues from here"});
  }
}

}  // namespace cmkd
