// What a decoded clip is like: what excludes it, and what is only noted.
//
// Excluded are clips with values that are not finite or beyond media::kLargestSample: in the sound as decoded, before
// it is resampled, in any channel, and in features (kUnusableSamples, with their number).
//
// Noted, and counted by 'datasets check --decode', are these findings, by kind:
//   truncated          the stream ends early or has errors; what came is used
//   sound_offset       the sound's first sample lies more than 25 ms from the first picture
//   silence_put_in     before sound that begins so late, and where its timestamps have holes; with its length
//   sound_overlap      packets lay over others; that sound was dropped
//   no_picture_clock   the picture beside the sound cannot be decoded: times count from the first sample
//   silent_throughout  every sample's magnitude lies below kSilentBelow
//   clipped_sound      at least kClippedShare of the decoded samples are media::AudioSamples::clipped_samples
//   static_picture     at least two frames, and in none does the mean of a block of the picture (16 x 16 blocks, each
//                      colour for itself) differ from the first frame's by more than kStaticWithin of 255. Equal
//                      frames are static, and so is a still that was compressed: at low rates (x264 at CRF 32) its
//                      blocks move by up to 4, those of filmed scenes by 90 and more.
#pragma once

#include "cmkd/datasets/clip.h"

namespace cmkd {

inline constexpr double kNotedOffset_s = 0.025;
inline constexpr float kSilentBelow = 1e-4F;    // −80 dB below full scale
inline constexpr double kClippedShare = 0.001;  // of the samples
inline constexpr int kStaticBlocks = 16;
inline constexpr double kStaticWithin = 5;

// Decodes a clip as ingest stores it: source.decode(), and what can be told of any source's clips. Thread-safe.
[[nodiscard]] media::Outcome<DecodedClip> decode_examined(const ClipSource& source, const Clip& clip,
                                                          const IngestSettings& settings);

}  // namespace cmkd
