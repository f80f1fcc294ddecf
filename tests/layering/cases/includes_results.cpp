// Compiles in results/, and must not in core/, which stands below it.
#include "cmkd/results/store.h"
