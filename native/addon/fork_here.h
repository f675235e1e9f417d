#pragma once
#include <napi.h>

namespace forkful {

void define_fork_here(Napi::Env env, Napi::Object exports);

}  // namespace forkful
