#pragma once
#include <napi.h>

namespace forkful {

// Defines the functions of a forkserver, of its clients, and of forked children on the addon's exports.
void define_fork(Napi::Env env, Napi::Object exports);

}  // namespace forkful
