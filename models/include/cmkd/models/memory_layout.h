// How a network's weights lie in memory.
#pragma once

namespace cmkd {

class Model;

// The weights of convolutions get the layout in which channels come last; what they give follows them. The values stay,
// and what is copied into the parameters later takes the layout on.
void lay_channels_last(Model& model);

}  // namespace cmkd
