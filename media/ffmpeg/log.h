// FFmpeg's log: silent, and its last error line kept per thread as the detail of a failure.
#pragma once

#include <string>

namespace cmkd::media {

// Routes the log; once per process, any thread. Every entry point of this room calls it.
void route_ffmpeg_log();

// Forgets what this thread has logged so far.
void clear_last_log_line() noexcept;
// The last line of level error or worse that FFmpeg logged on this thread; "" when there is none.
[[nodiscard]] std::string last_log_line();

// FFmpeg's text for a negative return code.
[[nodiscard]] std::string error_text(int code);
// The log's last line, or else the text for the code.
[[nodiscard]] std::string failure_detail(int code);

}  // namespace cmkd::media
