#pragma once
#include <napi.h>
#include <signal.h>

namespace forkful {

// In a child that has just been forked: an event loop of its own, then signals.
void repair(Napi::Env env, const sigset_t& mask);

}  // namespace forkful
