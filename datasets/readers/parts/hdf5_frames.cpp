#include "hdf5_frames.h"

#include <fmt/format.h>

#include <utility>

#ifdef CMKD_HAVE_HDF5
#include <hdf5.h>

#include <mutex>
#endif

namespace cmkd {

using media::Failure;
using media::FailureReason;
using media::Outcome;

const char* hdf5_remedy() noexcept {
  return "install libhdf5 for C (Debian: libhdf5-dev; scripts/setup does it) and configure with -DCMKD_HDF5=ON";
}

#ifdef CMKD_HAVE_HDF5

namespace {

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

// One handle of the library, closed by the function that belongs to its kind. Used with the mutex held. Named, because
// Hdf5Frames::State has members of it.
class Hdf5Handle {
 public:
  Hdf5Handle(hid_t id, herr_t (*close)(hid_t)) noexcept : id_(id), close_(close) {}
  ~Hdf5Handle() {
    if (id_ >= 0) close_(id_);
  }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&&) = delete;
  [[nodiscard]] hid_t get() const noexcept { return id_; }
  explicit operator bool() const noexcept { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

namespace {

// Rows of bytes of any length, signed or not: what h5py writes for vlen 'uint8'.
bool holds_bytes(const Hdf5Handle& type) {
  if (H5Tget_class(type.get()) != H5T_VLEN) return false;
  const Hdf5Handle element(H5Tget_super(type.get()), H5Tclose);
  return element && H5Tget_class(element.get()) == H5T_INTEGER && H5Tget_size(element.get()) == 1;
}

Failure foreign(const std::string& detail) { return {FailureReason::kNothingDecodable, detail}; }

}  // namespace

struct Hdf5Frames::State {
  Hdf5Handle file;
  Hdf5Handle video;
  std::int64_t count = 0;
};

bool has_hdf5() noexcept { return true; }

Hdf5Frames::Hdf5Frames(std::unique_ptr<State> state) : state_(std::move(state)) {}
Hdf5Frames::Hdf5Frames(Hdf5Frames&&) noexcept = default;
Hdf5Frames& Hdf5Frames::operator=(Hdf5Frames&&) noexcept = default;
Hdf5Frames::~Hdf5Frames() {
  if (state_ == nullptr) return;
  const std::lock_guard lock(library_mutex());
  state_.reset();
}

std::int64_t Hdf5Frames::count() const noexcept { return state_->count; }

Outcome<Hdf5Frames> Hdf5Frames::open(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return Failure{FailureReason::kNotFound, error.message()};
  if (size == 0) return Failure{FailureReason::kEmptyFile, ""};
  const std::lock_guard lock(library_mutex());
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // failures are return values; nothing is printed
  Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!file) return Failure{FailureReason::kCannotOpen, "no HDF5 file, or cut off"};
  Hdf5Handle video(H5Dopen2(file.get(), "video", H5P_DEFAULT), H5Dclose);
  if (!video) return foreign("the HDF5 file has no dataset 'video'");
  const Hdf5Handle type(H5Dget_type(video.get()), H5Tclose);
  const Hdf5Handle space(H5Dget_space(video.get()), H5Sclose);
  hsize_t rows = 0;
  if (!type || !space || H5Sget_simple_extent_ndims(space.get()) != 1 || !holds_bytes(type) ||
      H5Sget_simple_extent_dims(space.get(), &rows, nullptr) != 1) {
    return foreign("the dataset 'video' is not a row of bytes (vlen uint8) for each frame");
  }
  if (rows == 0) return foreign("the dataset 'video' holds no frame");
  return Hdf5Frames(std::make_unique<State>(State{std::move(file), std::move(video), static_cast<std::int64_t>(rows)}));
}

Outcome<std::vector<std::uint8_t>> Hdf5Frames::frame(std::int64_t k) const {
  const std::lock_guard lock(library_mutex());
  const Hdf5Handle file_space(H5Dget_space(state_->video.get()), H5Sclose);
  const hsize_t one = 1;
  const auto start = static_cast<hsize_t>(k);
  const Hdf5Handle memory_space(H5Screate_simple(1, &one, nullptr), H5Sclose);
  // As stored: a conversion of signed bytes to unsigned ones would clamp.
  const Hdf5Handle type(H5Dget_type(state_->video.get()), H5Tclose);
  hvl_t row{};
  if (!file_space || !memory_space || !type ||
      H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, &start, nullptr, &one, nullptr) < 0 ||
      H5Dread(state_->video.get(), type.get(), memory_space.get(), file_space.get(), H5P_DEFAULT, &row) < 0) {
    return foreign(fmt::format("frame {} of {} cannot be read from the HDF5 file", k, state_->count));
  }
  const auto* bytes = static_cast<const std::uint8_t*>(row.p);
  std::vector<std::uint8_t> result(bytes, bytes + row.len);
  H5Dvlen_reclaim(type.get(), memory_space.get(), H5P_DEFAULT, &row);
  return result;
}

#else

struct Hdf5Frames::State {};

bool has_hdf5() noexcept { return false; }

Hdf5Frames::Hdf5Frames(std::unique_ptr<State> state) : state_(std::move(state)) {}
Hdf5Frames::Hdf5Frames(Hdf5Frames&&) noexcept = default;
Hdf5Frames& Hdf5Frames::operator=(Hdf5Frames&&) noexcept = default;
Hdf5Frames::~Hdf5Frames() = default;
std::int64_t Hdf5Frames::count() const noexcept { return 0; }
Outcome<Hdf5Frames> Hdf5Frames::open(const std::filesystem::path&) {
  return Failure{FailureReason::kCannotOpen, std::string("this build reads no HDF5: ") + hdf5_remedy()};
}
Outcome<std::vector<std::uint8_t>> Hdf5Frames::frame(std::int64_t) const {
  return Failure{FailureReason::kCannotOpen, hdf5_remedy()};
}

#endif

}  // namespace cmkd
