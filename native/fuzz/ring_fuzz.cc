// libFuzzer's door to the ring: see scripts/fuzz.mjs.
#include "test/hostile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  forkful::test::suffer(data, size);
  return 0;
}
