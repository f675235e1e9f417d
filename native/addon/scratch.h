#pragma once
#include <napi.h>
#include <signal.h>

#include <cstdint>

#include "core/ring.h"

namespace forkful {

// Where native calls leave more than one number: an Int32Array that JavaScript gave once per environment. Layout in
// lib/backend/native/addon.ts.
struct AddonData {
  static constexpr uint32_t kMostRecords = 64;
  static constexpr uint32_t kMostEvents = 64;

  uint32_t* scratch = nullptr;
  Napi::Reference<Napi::Uint32Array> scratch_owner;
  Ring::Taken taken[kMostRecords];
  struct sigaction interrupt {};  // in a forked child: the disposition of SIGINT that it is to have

  static AddonData* of(napi_env env) {
    void* data = nullptr;
    napi_get_instance_data(env, &data);
    return static_cast<AddonData*>(data);
  }
};

}  // namespace forkful
