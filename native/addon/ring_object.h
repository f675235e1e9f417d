#pragma once
#include <napi.h>

#include "core/ring.h"

namespace forkful {

// Ring for JavaScript. The hot methods are plain Node-API callbacks: one call per message, no allocation, results in
// the array given to `useScratch`.
class RingObject : public Napi::ObjectWrap<RingObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit RingObject(const Napi::CallbackInfo& info);
  ~RingObject();

 private:
  static napi_value try_put(napi_env env, napi_callback_info info);
  static napi_value put_sync(napi_env env, napi_callback_info info);
  static napi_value try_put_many(napi_env env, napi_callback_info info);
  static napi_value try_get(napi_env env, napi_callback_info info);
  static napi_value get_sync(napi_env env, napi_callback_info info);

  Napi::Value try_put_with(const Napi::CallbackInfo& info);
  Napi::Value take_descriptors(const Napi::CallbackInfo& info);
  Napi::Value spin(const Napi::CallbackInfo& info);
  Napi::Value arm_not_empty(const Napi::CallbackInfo& info);
  Napi::Value arm_not_full(const Napi::CallbackInfo& info);
  Napi::Value size(const Napi::CallbackInfo& info);
  Napi::Value full(const Napi::CallbackInfo& info);
  Napi::Value shut(const Napi::CallbackInfo& info);
  Napi::Value is_shut(const Napi::CallbackInfo& info);
  Napi::Value finish(const Napi::CallbackInfo& info);
  Napi::Value arm_joined(const Napi::CallbackInfo& info);
  Napi::Value accounts(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  // Where the descriptors of the next record go.
  std::vector<int>* arriving();
  void close_arrived();

  Ring ring_;
  std::vector<int> arrived_;  // of the last record, until JavaScript takes them
};

}  // namespace forkful
