#pragma once
#include <napi.h>

#include <memory>

#include "core/shared_block.h"

namespace forkful {

// SharedBlock for JavaScript. The block lives as long as this object or the ArrayBuffer over its bytes, and goes, with
// the mapping and the descriptor, when both are collected or their environment ends.
class BlockObject : public Napi::ObjectWrap<BlockObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit BlockObject(const Napi::CallbackInfo& info);

 private:
  static napi_value run(napi_env env, napi_callback_info info);

  Napi::Value buffer(const Napi::CallbackInfo& info);
  Napi::Value kind(const Napi::CallbackInfo& info);
  Napi::Value descriptor(const Napi::CallbackInfo& info);
  Napi::Value ring(const Napi::CallbackInfo& info);
  Napi::Value remove_name(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::shared_ptr<SharedBlock> block_;  // null once closed
  uint64_t id_ = 0;
};

// createBlock, createNamedBlock, removeUnusedBlocks.
void define_blocks(Napi::Env env, Napi::Object exports);

}  // namespace forkful
