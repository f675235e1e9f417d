#pragma once
#include <napi.h>

namespace forkful {

// tryPut, putSync, tryPutMany, tryGet, tryGetLarge, getSync, tryPutWith, takeDescriptors, useSlab, limitSpinning
void define_messages(Napi::Env env, Napi::Object exports);

}  // namespace forkful
