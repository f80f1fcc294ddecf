#include "cmkd/batches/batch_queue.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "cmkd/core/read_ahead.h"

namespace cmkd {

namespace {

c10::Stream current_stream(c10::Device device) { return c10::impl::VirtualGuardImpl(device.type()).getStream(device); }

}  // namespace

// Which batches are made where: on a device with streams, on one for each thread.
class BatchQueue::Reader {
 public:
  struct Made {
    DrawnBatch drawn;
    std::optional<c10::Event> ready;  // of a stream
  };

  Reader(std::int64_t first, std::int64_t end, const Loading& loading, c10::Device device, Make make)
      : device_(device), beside_(!device.is_cpu() && loading.threads > 0), make_(std::move(make)) {
    // The threads' streams know nothing of this one: what it was given to do comes first.
    if (beside_) current_stream(device_).synchronize();
    ahead_.emplace(first, end, loading.threads, loading.ahead, [this](std::int64_t index) { return made(index); });
  }
  ~Reader() {
    ahead_.reset();
    for (const auto& [thread, stream] : streams_) stream.synchronize();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Made next() { return ahead_->next(); }
  [[nodiscard]] c10::Device device() const noexcept { return device_; }

 private:
  Made made(std::int64_t index) {
    const at::NoGradGuard no_grad;
    if (!beside_) return {make_(index), std::nullopt};
    const c10::Stream stream = stream_of_thread();
    const c10::StreamGuard guard(stream);
    Made batch{make_(index), c10::Event(device_.type())};
    batch.ready->record(stream);
    return batch;
  }

  c10::Stream stream_of_thread() {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(std::this_thread::get_id());
    if (found != streams_.end()) return found->second;
    const c10::Stream stream = c10::impl::VirtualGuardImpl(device_.type()).getStreamFromGlobalPool(device_);
    return streams_.emplace(std::this_thread::get_id(), stream).first->second;
  }

  c10::Device device_;
  bool beside_;
  Make make_;
  std::mutex mutex_;
  std::map<std::thread::id, c10::Stream> streams_;
  std::optional<ReadAhead<Made>> ahead_;
};

BatchQueue::BatchQueue(std::int64_t first, std::int64_t end, const Loading& loading, c10::Device device, Make make)
    : reader_(std::make_unique<Reader>(first, end, loading, device, std::move(make))) {}

BatchQueue::~BatchQueue() = default;

DrawnBatch BatchQueue::next() {
  Reader::Made made = reader_->next();
  if (!made.ready) return std::move(made.drawn);
  const c10::Stream stream = current_stream(reader_->device());
  made.ready->block(stream);
  // The memory must not go to the making stream again before this one is done with it.
  for_each_tensor(made.drawn.batch, [&](const char*, const at::Tensor& tensor) {
    if (!tensor.device().is_cpu()) tensor.record_stream(stream);
  });
  return std::move(made.drawn);
}

}  // namespace cmkd
