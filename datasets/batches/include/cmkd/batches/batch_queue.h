// Batches in order, made ahead by threads of their own: the training waits for none that could have been there.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "cmkd/batches/loading.h"
#include "cmkd/batches/stored_windows.h"
#include "cmkd/runtime/batch.h"

namespace cmkd {

struct DrawnBatch {
  std::vector<ClipDraw> draws;
  Batch batch;
};

// On a device with streams each thread makes batches on a stream of its own, beside the training's: what next() hands
// out is ordered behind its making for the stream that is current there. For one consumer.
class BatchQueue {
 public:
  // Called for first … end − 1 by the loading's threads, several at once, without gradient; what it throws, next()
  // throws for that batch. It must not draw from LibTorch's generators: those are the training's.
  using Make = std::function<DrawnBatch(std::int64_t index)>;

  // What `make` reads on the device must be there already or be made by it.
  BatchQueue(std::int64_t first, std::int64_t end, const Loading& loading, c10::Device device, Make make);
  // Drops what nobody took. Afterwards nothing on the device reads what `make` has read.
  ~BatchQueue();
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  [[nodiscard]] DrawnBatch next();

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace cmkd
