#include "video_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cmkd/core/error.h"
#include "stream_pass.h"

namespace cmkd::media {
namespace {

// Of a number of frames computed in double precision.
constexpr double kRoundingOfCount = 1e-6;

Failure no_conversion(const VideoStreamInfo& info) {
  return {FailureReason::kUnsupportedCodec, "no conversion to RGB from pixel format " + info.pixel_format};
}

}  // namespace

VideoReader::State::State(std::filesystem::path file, const VideoOptions& video_options, Demuxer opened,
                          StreamDecoder stream_decoder, const AVStream& stream)
    : path(std::move(file)),
      options(video_options),
      info(describe_video(stream)),
      demuxer(std::move(opened)),
      decoder(std::move(stream_decoder)),
      converter(video_options.size, info.rotation_degrees),
      index(PacketIndex::scan(demuxer, stream)),
      cursor(path, index, stream.index) {}

std::optional<Failure> VideoReader::State::learn_timeline(const AVStream& stream) {
  if (index.trustworthy() && decoder.starts_at_key_packets()) {
    timeline = index.timeline(stream);
    by_packets = !timeline.empty() && first_frame_is_as_promised();
  }
  if (by_packets) return std::nullopt;
  return learn_by_decoding();
}

bool VideoReader::State::first_frame_is_as_promised() {
  std::optional<std::int64_t> first;
  const auto take = [&](AVFrame& frame) {
    if (!first) {
      first = frame.pts;
      converter.settle_size(frame.width, frame.height);
    }
    return true;
  };
  // A key frame needs no other: sent alone and followed by the end, it comes out at once.
  const PacketEntry& entry = index.entries().front();
  if (entry.discard || entry.pts != timeline.first_ticks()) return false;
  decoder.feed(index.first_key(), take);
  decoder.feed(nullptr, take);
  decoder.flush();
  return first == timeline.first_ticks() && !decoder_complained();
}

bool VideoReader::State::decoder_complained() const {
  return decoder.refused_packets() > 0 || decoder.flawed_frames() > 0;
}

std::optional<Failure> VideoReader::State::learn_by_decoding() {
  by_packets = false;
  std::vector<TimedFrame> frames;
  AVRational time_base{1, 1};
  std::int64_t nominal = 1;
  const auto take = [&](AVFrame& frame, std::int64_t ticks, const AVStream& stream) {
    if (frames.empty()) {
      converter.settle_size(frame.width, frame.height);
      time_base = stream.time_base;
      nominal = nominal_frame_ticks(stream);
    }
    frames.push_back({ticks, static_cast<std::int64_t>(frames.size()), frame_duration(frame)});
    return true;
  };
  const auto pass = decode_stream(path, AVMEDIA_TYPE_VIDEO, options.memory_limit_bytes, take);
  if (!pass) return pass.failure();
  if (frames.empty()) return *pass.value().verdict;
  damage = pass.value().verdict;
  timeline = Timeline(std::move(frames), time_base, nominal);
  return std::nullopt;
}

std::optional<Failure> VideoReader::State::fetch(const std::vector<std::size_t>& shown, VideoFrames& out) {
  out.frame_count = static_cast<std::int64_t>(shown.size());
  out.width = converter.width();
  out.height = converter.height();
  out.pixels.resize(shown.size() * converter.frame_bytes());
  out.presentation_time_s.clear();
  out.origin_s = timeline.origin_s();
  std::vector<Wanted> wanted;
  for (std::size_t slot = 0; slot < shown.size(); ++slot) {
    const TimedFrame& frame = timeline.frames()[shown[slot]];
    out.presentation_time_s.push_back(timeline.since_start_s(frame.ticks));
    if (wanted.empty() || wanted.back().frame.ordinal != frame.ordinal) {
      wanted.push_back({frame, out.pixels.data() + slot * converter.frame_bytes(), false});
    }
  }
  if (by_packets ? !fetch_by_packets(wanted) : !fetch_by_order(wanted)) {
    return unconvertible ? std::optional(no_conversion(info)) : Failure{FailureReason::kTruncated, "the file changed"};
  }
  for (std::size_t slot = 1; slot < shown.size(); ++slot) {
    if (shown[slot] != shown[slot - 1]) continue;
    std::uint8_t* to = out.pixels.data() + slot * converter.frame_bytes();
    std::memcpy(to, to - converter.frame_bytes(), converter.frame_bytes());
  }
  out.warning = damage;
  return std::nullopt;
}

bool VideoReader::State::fetch_by_packets(std::vector<Wanted>& wanted) {
  for (std::size_t first = 0; first < wanted.size();) {
    const auto key = index.key_before(wanted[first].frame.ticks);
    if (!key) return false;
    // One run of decoding: it goes on as long as the next frame's key frame lies within it.
    auto last_place = static_cast<std::size_t>(wanted[first].frame.ordinal);
    std::size_t end = first + 1;
    for (; end < wanted.size(); ++end) {
      const auto next_key = index.key_before(wanted[end].frame.ticks);
      if (!next_key || *next_key > last_place) break;
      last_place = std::max(last_place, static_cast<std::size_t>(wanted[end].frame.ordinal));
    }
    if (!decode_run(*key, last_place, std::span(wanted).subspan(first, end - first))) return false;
    first = end;
  }
  return true;
}

bool VideoReader::State::decode_run(std::size_t key, std::size_t last_place, std::span<Wanted> wanted) {
  const auto find = [&](std::int64_t ticks) -> Wanted* {
    const auto found = std::lower_bound(wanted.begin(), wanted.end(), ticks,
                                        [](const Wanted& a, std::int64_t value) { return a.frame.ticks < value; });
    return found != wanted.end() && found->frame.ticks == ticks ? &*found : nullptr;
  };
  const auto take = [&](AVFrame& frame) {
    Wanted* match = find(frame.pts);
    return match == nullptr || match->done || deliver(frame, *match);
  };
  if (!cursor.move_to(demuxer, key)) return false;
  decoder.flush();
  const PacketHandle packet = make_packet();
  bool going = true;
  while (going && cursor.next() <= last_place) {
    if (!cursor.read(demuxer, *packet)) return false;
    decoder.skip_unreferenced(find(packet->pts) == nullptr);
    going = decoder.feed(packet.get(), take);
  }
  // What the decoder holds back for reordering comes out at the end of the stream: no packet after the last wanted
  // one is decoded.
  if (going) going = decoder.feed(nullptr, take);
  decoder.skip_unreferenced(false);
  decoder.flush();
  return going && !decoder_complained() &&
         std::all_of(wanted.begin(), wanted.end(), [](const Wanted& one) { return one.done; });
}

bool VideoReader::State::fetch_by_order(std::vector<Wanted>& wanted) {
  std::vector<Wanted*> in_order;
  in_order.reserve(wanted.size());
  for (Wanted& one : wanted) in_order.push_back(&one);
  std::sort(in_order.begin(), in_order.end(),
            [](const Wanted* a, const Wanted* b) { return a->frame.ordinal < b->frame.ordinal; });
  std::size_t next = 0;
  std::int64_t ordinal = 0;
  const auto take = [&](AVFrame& frame, std::int64_t, const AVStream&) {
    if (ordinal++ == in_order[next]->frame.ordinal && !deliver(frame, *in_order[next++])) return false;
    return next < in_order.size();
  };
  const auto pass = decode_stream(path, AVMEDIA_TYPE_VIDEO, options.memory_limit_bytes, take);
  return pass.ok() && next == in_order.size() && !unconvertible;
}

bool VideoReader::State::deliver(const AVFrame& frame, Wanted& wanted) {
  wanted.done = converter.convert(frame, wanted.to);
  unconvertible = unconvertible || !wanted.done;
  return wanted.done;
}

VideoReader::VideoReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

Outcome<std::unique_ptr<VideoReader::State>> VideoReader::State::open(const std::filesystem::path& path,
                                                                      const VideoOptions& options) {
  auto demuxer = Demuxer::open(path);
  if (!demuxer) return demuxer.failure();
  const AVStream* stream = demuxer.value().best(AVMEDIA_TYPE_VIDEO);
  if (stream == nullptr) return Failure{FailureReason::kNoVideoStream, ""};
  auto decoder = StreamDecoder::open(*stream, options.memory_limit_bytes);
  if (!decoder) return decoder.failure();
  demuxer.value().select_only(stream);
  auto state = std::make_unique<State>(path, options, std::move(demuxer.value()), std::move(decoder.value()), *stream);
  if (auto failure = state->learn_timeline(*stream)) return *failure;
  return state;
}

Outcome<VideoReader> VideoReader::open(const std::filesystem::path& path, const VideoOptions& options) {
  auto state = State::open(path, options);
  if (!state) return state.failure();
  return VideoReader(std::move(state.value()));
}

const VideoStreamInfo& VideoReader::info() const noexcept { return state_->info; }
double VideoReader::origin_s() const { return state_->timeline.origin_s(); }

Outcome<VideoFrames> VideoReader::frames_at(std::span<const double> times_s) { return state_->frames_at(times_s); }

Outcome<VideoFrames> VideoReader::frames_in(const VideoRange& range) { return state_->frames_in(range); }

Outcome<VideoFrames> VideoReader::State::frames_at(std::span<const double> times_s) {
  if (!std::is_sorted(times_s.begin(), times_s.end())) {
    throw Error(ErrorKind::kInternal, {.what = "the times of frames_at must ascend", .where = path.string()});
  }
  return retrieve([&](std::vector<std::size_t>& shown) -> std::optional<Failure> {
    for (const double time_s : times_s) {
      const auto frame = timeline.shown_at(time_s);
      if (!frame) return Failure{FailureReason::kOutOfRange, fmt::format("{} s is before the first frame", time_s)};
      shown.push_back(*frame);
    }
    return std::nullopt;
  });
}

Outcome<VideoFrames> VideoReader::State::frames_in(const VideoRange& range) {
  return retrieve([&](std::vector<std::size_t>& shown) -> std::optional<Failure> {
    if (range.fps == 0) {
      const std::int64_t first = first_tick_from(range.start_s, timeline.time_base());
      const std::int64_t end = first_tick_from(range.start_s + range.duration_s, timeline.time_base());
      for (std::size_t i = 0; i < timeline.frames().size(); ++i) {
        const std::int64_t ticks = timeline.frames()[i].ticks - timeline.first_ticks();
        if (ticks >= first && ticks < end) shown.push_back(i);
      }
    } else {
      // A time that equals the end up to rounding lies outside.
      const double length_s = std::min(timeline.end_s() - range.start_s, range.duration_s);
      const auto count = static_cast<std::int64_t>(std::ceil(length_s * range.fps - kRoundingOfCount));
      for (std::int64_t k = 0; k < count; ++k) {
        const auto frame = timeline.shown_at(range.start_s + static_cast<double>(k) / range.fps);
        if (frame) shown.push_back(*frame);
      }
    }
    if (!shown.empty() || range.duration_s == 0) return std::nullopt;
    return Failure{FailureReason::kOutOfRange, fmt::format("no frame from {:.3f} s on: the stream ends at {:.3f} s",
                                                           range.start_s, timeline.end_s())};
  });
}

Outcome<VideoFrames> VideoReader::State::retrieve(const SelectFrames& select) {
  // A second round only when decoding shows that the packets promised what does not come.
  while (true) {
    std::vector<std::size_t> shown;
    if (auto failure = select(shown)) return *failure;
    VideoFrames frames;
    const auto failure = fetch(shown, frames);
    if (!failure) return frames;
    if (!by_packets || unconvertible) return *failure;
    if (auto hopeless = learn_by_decoding()) return *hopeless;
  }
}

}  // namespace cmkd::media
