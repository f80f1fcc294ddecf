// cmkd doctor: is this installation sound, and what to mend.
#include <fmt/format.h>
#include <torch/cuda.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/media/encode.h"
#include "cmkd/media/media.h"
#include "cmkd/media/video.h"
#include "cmkd/results/store.h"
#include "commands.h"
#include "scratch.h"
#include "versions.h"

namespace cmkd::apps {

namespace po = boost::program_options;
namespace fs = std::filesystem;

namespace {

struct Check {
  std::string name;
  bool ok = true;
  std::string detail;
  std::string fix;
};

// Runs `body`, which returns the detail; an exception is the finding.
template <typename Body>
Check check_installation_part(const std::string& name, const std::string& fix, const Body& body) {
  try {
    return {name, true, body(), ""};
  } catch (const Error& error) {
    return {name, false, error.parts().what, error.parts().fix.empty() ? fix : error.parts().fix};
  } catch (const std::exception& error) {
    return {name, false, error.what(), fix};
  }
}

std::string check_codecs(const fs::path& folder) {
  constexpr int kSide = 32;
  constexpr int kFrames = 4;
  const std::vector<std::uint8_t> pixels(std::size_t{kFrames} * 3 * kSide * kSide, 128);
  const std::vector<std::int16_t> samples(8000, 1000);
  const fs::path file = folder / "probe.mkv";
  media::encode_media(file, {pixels, kFrames, kSide, kSide, 8.0}, {samples, 16000});
  const auto decoded = media::decode_video(file, {});
  if (!decoded) throw Error(ErrorKind::kEnvironment, {.what = media::describe(decoded.failure())});
  if (decoded.value().frame_count != kFrames)
    throw Error(ErrorKind::kEnvironment, {.what = "a video written here does not come back"});
  return "H.264 and FLAC written and read back";
}

std::string check_store(const fs::path& folder) {
  results::Store store = results::Store::open(folder / "probe.db", results::OpenMode::kReadWriteCreate);
  return fmt::format("SQLite {}, journal mode '{}'", results::sqlite_version(), store.journal_mode());
}

std::string check_device() {
  const auto devices = torch::cuda::is_available() ? torch::cuda::device_count() : 0;
  return devices > 0 ? fmt::format("{} CUDA devices", devices)
                     : fmt::format("no CUDA device: the CPU trains, {} cores", std::thread::hardware_concurrency());
}

std::string check_disk(const fs::path& folder) {
  fs::path existing = fs::absolute(folder);
  while (!fs::exists(existing)) existing = existing.parent_path();
  if (::access(existing.c_str(), W_OK) != 0) {
    throw Error(ErrorKind::kEnvironment,
                {.what = "no permission to write in " + existing.string(), .fix = "choose another --out"});
  }
  const auto available = fs::space(existing).available;
  if (available < (std::uintmax_t{1} << 30)) {
    throw Error(ErrorKind::kEnvironment, {.what = "only " + format_bytes(available) + " free in " + existing.string(),
                                          .fix = "free some space"});
  }
  return format_bytes(available) + " free in " + existing.string();
}

}  // namespace

int run_doctor(const Arguments& arguments) {
  CommandLine line(
      "cmkd doctor [options]",
      "Checks this installation: libraries, device, disk, codecs, store. Exit status 1 when something must be mended.",
      "cmkd doctor\ncmkd doctor --out /data/results --json");
  line.add()("out", po::value<std::string>()->default_value("out")->value_name("DIR"), "where results will be written")(
      "json", po::bool_switch(), "print JSON");
  if (!line.parse(arguments)) return 0;
  const Scratch scratch("doctor");
  const std::vector<Check> checks{
      check_installation_part("codecs",
                              "install FFmpeg's libraries with libx264 (scripts/setup), or build with -DCMKD_FFMPEG=ON",
                              [&] { return check_codecs(scratch.path()); }),
      check_installation_part("store", "check the temporary folder", [&] { return check_store(scratch.path()); }),
      check_installation_part("device", "", check_device),
      check_installation_part("disk", "", [&] { return check_disk(line.get<std::string>("out")); }),
  };
  bool ok = true;
  nlohmann::json list = nlohmann::json::array();
  std::string text;
  for (const Check& one : checks) {
    ok = ok && one.ok;
    list.push_back({{"check", one.name}, {"ok", one.ok}, {"detail", one.detail}, {"fix", one.fix}});
    text += fmt::format("{:<4} {:<8} {}\n", one.ok ? "ok" : "BAD", one.name, one.detail);
    if (!one.ok && !one.fix.empty()) text += fmt::format("              fix: {}\n", one.fix);
  }
  for (const auto& [name, version] : versions()) text += fmt::format("     {:<14} {}\n", name, version);
  line.flag("json") ? print_json({{"ok", ok}, {"checks", list}, {"versions", versions()}}) : print_out(text);
  return ok ? 0 : 1;
}

}  // namespace cmkd::apps
