#pragma once
#include <napi.h>

namespace forkful {

// System calls for the backend in TypeScript: spawn, reap, signalProcess, descriptors, shared memory.
void define_system(Napi::Env env, Napi::Object exports);

}  // namespace forkful
