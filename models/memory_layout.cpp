#include "cmkd/models/memory_layout.h"

#include "cmkd/models/model.h"

namespace cmkd {

void lay_channels_last(Model& model) {
  for (at::Tensor& parameter : model.parameters()) {
    if (parameter.dim() < 4) continue;
    const auto format = parameter.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d;
    parameter.set_data(parameter.data().contiguous(format));
  }
}

}  // namespace cmkd
