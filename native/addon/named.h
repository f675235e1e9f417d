#pragma once
#include <napi.h>

namespace forkful {

// What unrelated processes share by name: files, rings in them, and how their event loops hear of each other.
void define_named(Napi::Env env, Napi::Object exports);

}  // namespace forkful
