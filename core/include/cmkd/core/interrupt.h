// SIGINT and SIGTERM as a flag that long work asks for at its safe points.
#pragma once

namespace cmkd {

// Installs the handlers. The first signal sets the flag; a second one ends the process at once.
void install_interrupt_handlers();

[[nodiscard]] bool interrupt_requested() noexcept;

// Throws Error(kInterrupted) when a signal has come.
void throw_if_interrupted();

}  // namespace cmkd
