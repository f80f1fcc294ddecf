// The inside of VideoReader. See cmkd/media/video.h for what it promises.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cmkd/media/video.h"
#include "decoder.h"
#include "demuxer.h"
#include "packet_index.h"
#include "picture.h"
#include "timeline.h"

namespace cmkd::media {

// Two ways to a frame. By packets: the packets' own times say which one is wanted; decoding starts at its key frame and
// leaves out what nobody needs. By order: where packets lack times or anything hints at damage, the whole stream is
// decoded once to learn what really comes, and frames are fetched by their place in that order. The first way gives up
// for the second at the first sign that a promise is broken, so that a result never depends on the way.
struct VideoReader::State {
  [[nodiscard]] static Outcome<std::unique_ptr<State>> open(const std::filesystem::path& path,
                                                            const VideoOptions& options);

  State(std::filesystem::path file, const VideoOptions& video_options, Demuxer opened, StreamDecoder stream_decoder,
        const AVStream& stream);
  State(const State&) = delete;  // the cursor points at the index
  State& operator=(const State&) = delete;

  [[nodiscard]] Outcome<VideoFrames> frames_at(std::span<const double> times_s);
  // Every frame that begins in the range, or the grid of `range.fps`: see VideoRange.
  [[nodiscard]] Outcome<VideoFrames> frames_in(const VideoRange& range);

  // Names the wanted frames of the timeline (indices, ascending).
  using SelectFrames = std::function<std::optional<Failure>(std::vector<std::size_t>& shown)>;
  [[nodiscard]] Outcome<VideoFrames> retrieve(const SelectFrames& select);
  // Fills `out` with these frames of the timeline (indices, ascending).
  [[nodiscard]] std::optional<Failure> fetch(const std::vector<std::size_t>& shown, VideoFrames& out);

  // A frame that was asked for, and where it goes.
  struct Wanted {
    TimedFrame frame;
    std::uint8_t* to = nullptr;
    bool done = false;
  };

  [[nodiscard]] std::optional<Failure> learn_timeline(const AVStream& stream);
  [[nodiscard]] bool first_frame_is_as_promised();
  [[nodiscard]] std::optional<Failure> learn_by_decoding();
  [[nodiscard]] bool decoder_complained() const;
  [[nodiscard]] bool fetch_by_packets(std::vector<Wanted>& wanted);
  [[nodiscard]] bool decode_run(std::size_t key, std::size_t last_place, std::span<Wanted> wanted);
  [[nodiscard]] bool fetch_by_order(std::vector<Wanted>& wanted);
  [[nodiscard]] bool deliver(const AVFrame& frame, Wanted& wanted);

  std::filesystem::path path;
  VideoOptions options;
  VideoStreamInfo info;
  Demuxer demuxer;
  StreamDecoder decoder;
  PictureConverter converter;
  PacketIndex index;
  PacketCursor cursor;
  Timeline timeline;
  bool by_packets = false;
  bool unconvertible = false;
  std::optional<Failure> damage;  // of the whole stream; known only where it was decoded as a whole
};

}  // namespace cmkd::media
