#include "stream_pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "log.h"

namespace cmkd::media {
namespace {

// What the packets alone tell of the file's integrity.
struct PacketAccount {
  std::int64_t packets = 0;
  std::int64_t shown = 0;  // not hidden by an edit list
  std::int64_t damaged = 0;
  double last_end_s = 0;  // over all streams, from where the header's duration counts

  void count(const AVPacket& packet, const AVFormatContext& format, bool wanted) {
    const AVStream& stream = *format.streams[packet.stream_index];
    const std::int64_t time = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
    if (time != AV_NOPTS_VALUE) {
      const double end_s =
          static_cast<double>(time + packet.duration) * av_q2d(stream.time_base) - claim_start_s(format);
      last_end_s = std::max(last_end_s, end_s);
    }
    if (!wanted) return;
    ++packets;
    if ((packet.flags & AV_PKT_FLAG_DISCARD) == 0) ++shown;
    if ((packet.flags & AV_PKT_FLAG_CORRUPT) != 0) ++damaged;
  }
};

std::string of_how_many(const StreamPass& pass, const AVStream& stream, double rate) {
  const bool video = stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
  if (video && stream.nb_frames > 0) return fmt::format("after {} of {} frames", pass.frames, stream.nb_frames);
  if (video) return fmt::format("after {} frames", pass.frames);
  return fmt::format("after {:.2f} s", rate > 0 ? static_cast<double>(pass.samples) / rate : 0.0);
}

// What a stream that was read to its end lacks of what its header promised.
std::optional<std::string> missed_promise(const PacketAccount& account, const AVFormatContext& format,
                                          const AVStream& stream) {
  if (stream.nb_frames > 0 && std::string_view(format.iformat->name).starts_with("mov,mp4")) {
    // Here the header is an index of every packet, after edit lists: the durations that it states say less.
    const int entries = avformat_index_get_entries_count(&stream);
    if (account.packets < entries) {
      return fmt::format("the index lists {} packets, the file holds {}", entries, account.packets);
    }
  } else {
    const std::optional<double> claimed = claimed_duration_s(format);
    if (claimed && is_missed(*claimed, account.last_end_s)) {
      return fmt::format("the file ends at {:.2f} s of {:.2f} s", account.last_end_s, *claimed);
    }
    if (stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && account.packets < stream.nb_frames) {
      return fmt::format("the header counts {} frames, the file holds {} packets", stream.nb_frames, account.packets);
    }
  }
  return std::nullopt;
}

std::optional<Failure> judge(const StreamPass& pass, const PacketAccount& account, const Demuxer& demuxer,
                             const AVStream& stream, const StreamDecoder& decoder, bool complete) {
  if (pass.frames == 0) {
    std::string detail = demuxer.read_error().value_or(last_log_line());
    if (account.packets == 0 && detail.empty()) detail = "the stream has no packets";
    return Failure{FailureReason::kNothingDecodable, detail.empty() ? "no frame came out of the decoder" : detail};
  }
  const std::string counts = of_how_many(pass, stream, stream.codecpar->sample_rate);
  if (demuxer.read_error()) return Failure{FailureReason::kTruncated, counts + ": " + *demuxer.read_error()};
  if (complete) {
    if (const auto missing = missed_promise(account, demuxer.format(), stream)) {
      return Failure{FailureReason::kTruncated, counts + ": " + *missing};
    }
  }
  const std::int64_t errors = std::max(account.damaged, decoder.refused_packets()) + decoder.flawed_frames();
  if (errors > 0) {
    const std::string line = last_log_line();
    return Failure{FailureReason::kTruncated, fmt::format("{}: {} of {} packets are damaged{}{}", counts, errors,
                                                          account.packets, line.empty() ? "" : ": ", line)};
  }
  const bool counted = stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && stream.nb_frames > 0;
  if (complete && counted && pass.frames < account.shown) {
    return Failure{FailureReason::kTruncated, fmt::format("{}: {} of {} packets yielded no frame", counts,
                                                          account.shown - pass.frames, account.shown)};
  }
  return std::nullopt;
}

}  // namespace

std::int64_t nominal_frame_ticks(const AVStream& stream) {
  AVRational rate = stream.avg_frame_rate;
  if (rate.num <= 0 || rate.den <= 0) rate = stream.r_frame_rate;
  if (rate.num <= 0 || rate.den <= 0) return 1;
  return std::max<std::int64_t>(1, av_rescale_q(1, av_inv_q(rate), stream.time_base));
}

bool states_decoding_times_only(const AVFormatContext& format) noexcept {
  return std::string_view(format.iformat->name) == "avi";
}

void FrameClock::see(const AVPacket& packet) {
  if (decoding_times_only_ && packet.dts != AV_NOPTS_VALUE) decoding_times_.push_back(packet.dts);
}

// Where a packet has one time, in the order of decoding, the frames take these times one after the other in the order
// of presentation: the first frame that of the first packet, however long the decoder held it.
std::int64_t FrameClock::next_decoding_time(int decoder_delay) {
  // Packets that yielded no frame are forgotten.
  const auto held = static_cast<std::size_t>(std::max(decoder_delay, 0)) + 1;
  while (decoding_times_.size() > held) decoding_times_.pop_front();
  if (decoding_times_.empty()) return AV_NOPTS_VALUE;
  const std::int64_t ticks = decoding_times_.front();
  decoding_times_.pop_front();
  return ticks;
}

std::int64_t FrameClock::ticks_of(const AVFrame& frame, int decoder_delay) {
  const std::int64_t in_turn = next_decoding_time(decoder_delay);
  std::int64_t ticks = frame.pts;
  if (ticks == AV_NOPTS_VALUE || (in_turn != AV_NOPTS_VALUE && decoder_delay > 0)) {
    all_real_ = false;
    const std::int64_t step = last_duration_ > 0 ? last_duration_ : nominal_frame_ticks(*stream_);
    ticks = in_turn != AV_NOPTS_VALUE ? in_turn : frame.best_effort_timestamp;
    if (ticks == AV_NOPTS_VALUE) ticks = last_ ? *last_ + step : 0;
    // A guessed time never runs backwards: the decoder's order is what is certain.
    if (last_ && ticks <= *last_) ticks = *last_ + step;
  }
  last_ = ticks;
  last_duration_ = frame_duration(frame);
  return ticks;
}

Outcome<StreamPass> decode_stream(Demuxer& demuxer, AVMediaType type, std::size_t memory_limit_bytes,
                                  const TakeTimedFrame& take) {
  const AVStream* stream = demuxer.best(type);
  if (stream == nullptr) {
    return Failure{type == AVMEDIA_TYPE_VIDEO ? FailureReason::kNoVideoStream : FailureReason::kNoAudioStream, ""};
  }
  auto opened = StreamDecoder::open(*stream, memory_limit_bytes);
  if (!opened) return opened.failure();
  StreamDecoder& decoder = opened.value();
  demuxer.select_all();
  clear_last_log_line();

  StreamPass pass;
  PacketAccount account;
  FrameClock clock(demuxer.format(), *stream);
  const auto count = [&](AVFrame& frame) {
    ++pass.frames;
    pass.samples += frame.nb_samples;
    return take(frame, clock.ticks_of(frame, decoder.delay()), *stream);
  };
  const PacketHandle packet = make_packet();
  bool more = true;
  while (more && demuxer.read(*packet)) {
    const bool wanted = packet->stream_index == stream->index;
    account.count(*packet, demuxer.format(), wanted);
    if (!wanted) continue;
    clock.see(*packet);
    more = decoder.feed(packet.get(), count);
  }
  const bool complete = more;
  if (more) decoder.feed(nullptr, count);
  pass.times_are_real = clock.all_real();
  pass.verdict = judge(pass, account, demuxer, *stream, decoder, complete);
  return pass;
}

Outcome<StreamPass> decode_stream(const std::filesystem::path& path, AVMediaType type, std::size_t memory_limit_bytes,
                                  const TakeTimedFrame& take) {
  auto demuxer = Demuxer::open(path);
  if (!demuxer) return demuxer.failure();
  return decode_stream(demuxer.value(), type, memory_limit_bytes, take);
}

}  // namespace cmkd::media
