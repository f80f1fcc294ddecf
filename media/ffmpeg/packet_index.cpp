#include "packet_index.h"

#include <algorithm>
#include <string_view>

#include "stream_pass.h"

namespace cmkd::media {
namespace {

// Below this many packets reading on is cheaper than a seek.
constexpr std::size_t kReadOnPackets = 64;

bool times_are_unique(const std::vector<PacketEntry>& entries) {
  std::vector<std::int64_t> times;
  times.reserve(entries.size());
  for (const PacketEntry& entry : entries) {
    if (!entry.discard) times.push_back(entry.pts);
  }
  std::sort(times.begin(), times.end());
  if (!times.empty() && times.front() == AV_NOPTS_VALUE) return false;
  return std::adjacent_find(times.begin(), times.end()) == times.end();
}

// Whether the header promises more than the packets hold.
bool falls_short(const Demuxer& demuxer, const AVStream& stream, const std::vector<PacketEntry>& entries) {
  if (std::string_view(demuxer.format().iformat->name).starts_with("mov,mp4")) {
    return static_cast<std::int64_t>(entries.size()) < avformat_index_get_entries_count(&stream);
  }
  const std::optional<double> claimed = claimed_duration_s(demuxer.format());
  if (!claimed || entries.empty()) return false;
  const auto last = std::max_element(entries.begin(), entries.end(),
                                     [](const PacketEntry& a, const PacketEntry& b) { return a.pts < b.pts; });
  const double end_s = seconds_at(last->pts + last->duration, stream.time_base) - claim_start_s(demuxer.format());
  return is_missed(*claimed, end_s);
}

}  // namespace

bool PacketEntry::is(const AVPacket& packet) const noexcept {
  return packet.pts == pts && packet.dts == dts && packet.pos == position && packet.size == size &&
         ((packet.flags & AV_PKT_FLAG_KEY) != 0) == key && ((packet.flags & AV_PKT_FLAG_DISCARD) != 0) == discard;
}

PacketIndex PacketIndex::scan(Demuxer& demuxer, const AVStream& stream) {
  PacketIndex index;
  bool damaged = false;
  const PacketHandle packet = make_packet();
  while (demuxer.read(*packet)) {
    if (packet->stream_index != stream.index) continue;
    PacketEntry entry;
    entry.pts = packet->pts;
    entry.dts = packet->dts;
    entry.position = packet->pos;
    entry.duration = packet->duration;
    entry.size = packet->size;
    entry.key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    entry.discard = (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
    damaged = damaged || (packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
    if (entry.key) {
      index.keys_.push_back(index.entries_.size());
      if (index.entries_.empty()) index.first_key_.reset(av_packet_clone(packet.get()));
    }
    index.entries_.push_back(entry);
  }
  const bool reordered = states_decoding_times_only(demuxer.format()) && stream.codecpar->video_delay > 0;
  index.trustworthy_ = !damaged && !reordered && !demuxer.read_error() && index.first_key_ != nullptr &&
                       times_are_unique(index.entries_) && !falls_short(demuxer, stream, index.entries_);
  return index;
}

Timeline PacketIndex::timeline(const AVStream& stream) const {
  std::vector<TimedFrame> frames;
  frames.reserve(entries_.size());
  for (std::size_t place = 0; place < entries_.size(); ++place) {
    const PacketEntry& entry = entries_[place];
    if (!entry.discard) frames.push_back({entry.pts, static_cast<std::int64_t>(place), entry.duration});
  }
  return Timeline(std::move(frames), stream.time_base, nominal_frame_ticks(stream));
}

std::optional<std::size_t> PacketIndex::key_before(std::int64_t ticks) const {
  // Frames that follow a key frame in presentation need nothing from before it, also where groups are open.
  const auto key =
      std::find_if(keys_.rbegin(), keys_.rend(), [&](std::size_t place) { return entries_[place].pts <= ticks; });
  return key == keys_.rend() ? std::nullopt : std::optional(*key);
}

bool PacketCursor::read_own(Demuxer& demuxer, AVPacket& packet) const {
  while (demuxer.read(packet)) {
    if (packet.stream_index == stream_index_) return true;
  }
  return false;
}

bool PacketCursor::read(Demuxer& demuxer, AVPacket& packet) {
  if (next_ >= index_->entries().size()) return false;
  if (pending_ != nullptr) {
    av_packet_unref(&packet);
    av_packet_move_ref(&packet, pending_.get());
    pending_.reset();
  } else if (!read_own(demuxer, packet)) {
    return false;
  }
  if (!index_->entries()[next_].is(packet)) return false;
  ++next_;
  return true;
}

bool PacketCursor::seek_near(Demuxer& demuxer, std::size_t place) {
  const PacketEntry& target = index_->entries()[place];
  const std::int64_t ticks = target.dts != AV_NOPTS_VALUE ? std::min(target.pts, target.dts) : target.pts;
  pending_.reset();
  next_ = kUnknown;
  if (avformat_seek_file(&demuxer.format(), stream_index_, INT64_MIN, ticks, target.pts, 0) < 0) return false;
  PacketHandle packet = make_packet();
  if (!read_own(demuxer, *packet)) return false;
  for (std::size_t landed = place + 1; landed-- > 0;) {
    if (!index_->entries()[landed].is(*packet)) continue;
    next_ = landed;
    pending_ = std::move(packet);
    return true;
  }
  return false;
}

bool PacketCursor::reopen(Demuxer& demuxer) {
  auto again = Demuxer::open(path_);
  if (!again) return false;
  demuxer = std::move(again.value());
  if (stream_index_ >= static_cast<int>(demuxer.format().nb_streams)) return false;
  demuxer.select_only(demuxer.format().streams[stream_index_]);
  pending_.reset();
  next_ = 0;
  return true;
}

bool PacketCursor::move_to(Demuxer& demuxer, std::size_t place) {
  demuxer.forget_read_error();
  const bool near = next_ != kUnknown && next_ <= place && place - next_ <= kReadOnPackets;
  if (!near && !seek_near(demuxer, place) && !reopen(demuxer)) return false;
  const PacketHandle packet = make_packet();
  while (next_ < place) {
    if (!read(demuxer, *packet)) return false;
  }
  return true;
}

}  // namespace cmkd::media
