#include <napi.h>

#include "addon/block_object.h"
#include "addon/fork.h"
#include "addon/fork_here.h"
#include "addon/mapping_object.h"
#include "addon/messages.h"
#include "addon/named.h"
#include "addon/reactor_object.h"
#include "addon/ring_object.h"
#include "addon/scratch.h"
#include "addon/system.h"

namespace forkful {
namespace {

// (Uint32Array): where calls leave their results. Kept, so that its memory stays.
Napi::Value use_scratch(const Napi::CallbackInfo& info) {
  AddonData* data = AddonData::of(info.Env());
  auto array = info[0].As<Napi::Uint32Array>();
  if (array.ElementLength() < 1 + 3 * AddonData::kMostRecords) {
    throw Napi::RangeError::New(info.Env(), "useScratch");
  }
  data->scratch = array.Data();
  data->scratch_owner = Napi::Persistent(array);
  return info.Env().Undefined();
}

// State lives in the addon's instance: every worker thread loads another one.
Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData());
  exports.Set("Block", BlockObject::define(env));
  exports.Set("Mapping", MappingObject::define(env));
  exports.Set("Ring", RingObject::define(env));
  exports.Set("Reactor", ReactorObject::define(env));
  exports.Set("useScratch", Napi::Function::New(env, use_scratch, "useScratch"));
  define_messages(env, exports);
  define_named(env, exports);
  define_blocks(env, exports);
  define_mappings(env, exports);
  define_system(env, exports);
  define_fork(env, exports);
  define_fork_here(env, exports);
  return exports;
}

NODE_API_MODULE(forkful, initialise)

}  // namespace
}  // namespace forkful
