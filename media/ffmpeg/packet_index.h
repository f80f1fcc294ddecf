// The packets of one stream, read once without decoding, and a way back to any of them that is checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "demuxer.h"
#include "timeline.h"

namespace cmkd::media {

struct PacketEntry {
  std::int64_t pts = 0;
  std::int64_t dts = 0;
  std::int64_t position = -1;  // byte in the file
  std::int64_t duration = 0;
  int size = 0;
  bool key = false;
  bool discard = false;  // the edit list hides it: decoded, never shown

  // Whether this is that packet, found again.
  [[nodiscard]] bool is(const AVPacket& packet) const noexcept;
};

// In the order of decoding. About 48 bytes a packet.
class PacketIndex {
 public:
  // Reads the rest of the file: about a millisecond per megabyte.
  [[nodiscard]] static PacketIndex scan(Demuxer& demuxer, const AVStream& stream);

  [[nodiscard]] const std::vector<PacketEntry>& entries() const noexcept { return entries_; }
  // Whether the packets alone tell when each frame is shown: every packet has a time of its own, and nothing hints at
  // damage. Otherwise only decoding tells.
  [[nodiscard]] bool trustworthy() const noexcept { return trustworthy_; }
  // The frames that the packets promise; ordinal = place in entries().
  [[nodiscard]] Timeline timeline(const AVStream& stream) const;
  // The last key packet from which the frame at `ticks` can be decoded.
  [[nodiscard]] std::optional<std::size_t> key_before(std::int64_t ticks) const;
  // The key packet that starts the stream, kept for the first frame; may be null.
  [[nodiscard]] const AVPacket* first_key() const noexcept { return first_key_.get(); }

 private:
  std::vector<PacketEntry> entries_;
  std::vector<std::size_t> keys_;  // places of shown key packets, in order of decoding
  PacketHandle first_key_;
  bool trustworthy_ = true;
};

// Reads the packets of one stream from any place of its index. It trusts no seek: what it lands on is looked up in the
// index, and if that fails it reads from the beginning. Not thread-safe.
class PacketCursor {
 public:
  PacketCursor(std::filesystem::path path, const PacketIndex& index, int stream_index)
      : path_(std::move(path)), index_(&index), stream_index_(stream_index) {}

  // The place of the packet that read() gives next.
  [[nodiscard]] std::size_t next() const noexcept { return next_; }
  // False when the file no longer is what was scanned.
  [[nodiscard]] bool move_to(Demuxer& demuxer, std::size_t place);
  [[nodiscard]] bool read(Demuxer& demuxer, AVPacket& packet);
  // The demuxer stands at an unknown place, as after the scan.
  void invalidate() noexcept { next_ = kUnknown; }

 private:
  static constexpr std::size_t kUnknown = static_cast<std::size_t>(-1);

  [[nodiscard]] bool seek_near(Demuxer& demuxer, std::size_t place);
  [[nodiscard]] bool reopen(Demuxer& demuxer);
  [[nodiscard]] bool read_own(Demuxer& demuxer, AVPacket& packet) const;

  std::filesystem::path path_;
  const PacketIndex* index_;
  int stream_index_;
  std::size_t next_ = kUnknown;
  PacketHandle pending_;  // read ahead to learn where a seek landed
};

}  // namespace cmkd::media
