#pragma once
#include <napi.h>

#include <cerrno>
#include <memory>

#include "addon/convert.h"
#include "addon/scratch.h"

namespace forkful {

// The ArrayBuffer over shared memory that JavaScript has an object of. It keeps the memory, for as long as it is not
// detached. Memory has data(), bytes() and retire().
template <class Memory>
Napi::Value shared_buffer(Napi::Env env, const std::shared_ptr<Memory>& memory) {
  auto owner = std::make_unique<std::shared_ptr<Memory>>(memory);
  const auto let_go = [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Memory>*>(hint); };
  napi_value made;
  const napi_status status =
      napi_create_external_arraybuffer(env, memory->data(), memory->bytes(), let_go, owner.get(), &made);
  if (status == napi_no_external_buffers_allowed) throw system_error(env, "napi_create_external_arraybuffer", ENOTSUP);
  if (status != napi_ok) throw Napi::Error::New(env);
  owner.release();
  return Napi::Value(env, made);
}

// Detaches it, and lets go of the memory. If its bytes were transferred to another ArrayBuffer they are that one's, until
// it is collected.
template <class Memory>
void close_shared_buffer(Napi::Env env, const Napi::Value& value, std::shared_ptr<Memory>& memory) {
  if (!memory) return;
  auto buffer = value.As<Napi::ArrayBuffer>();
  if (!buffer.IsDetached()) {
    buffer.Detach();
    memory->retire();
    AddonData::of(env)->late_blocks.add(memory, memory->bytes());
  }
  memory.reset();
}

}  // namespace forkful
