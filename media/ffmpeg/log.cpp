#include "log.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <new>

#include "handles.h"

namespace cmkd::media {
namespace {

thread_local std::string last_line;

// Runs inside FFmpeg: it must not throw.
void keep_last_error(void*, int level, const char* format, va_list arguments) noexcept {
  if (level > AV_LOG_ERROR) return;
  std::array<char, 400> text{};
  const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
  if (length <= 0) return;
  try {
    std::string line(text.data());
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' ')) line.pop_back();
    for (char& letter : line) {
      if (static_cast<unsigned char>(letter) < 0x20) letter = ' ';
    }
    if (!line.empty()) last_line = std::move(line);
  } catch (const std::bad_alloc&) {
    return;  // a lost log line is no failure
  }
}

}  // namespace

void route_ffmpeg_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(keep_last_error); });
}

void clear_last_log_line() noexcept { last_line.clear(); }

std::string last_log_line() { return last_line; }

std::string error_text(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

std::string failure_detail(int code) { return last_line.empty() ? error_text(code) : last_line; }

FrameHandle make_frame() {
  FrameHandle frame(av_frame_alloc());
  if (frame == nullptr) throw std::bad_alloc();
  return frame;
}

PacketHandle make_packet() {
  PacketHandle packet(av_packet_alloc());
  if (packet == nullptr) throw std::bad_alloc();
  return packet;
}

}  // namespace cmkd::media
