#pragma once
#include <napi.h>

#include <memory>

#include "addon/ring_table.h"
#include "core/ring.h"
#include "core/spin.h"

namespace forkful {

// { dataBytes, maxItems, maxBytes, joinable }
Ring::Limits ring_limits(const Napi::Object& options);

// Ring for JavaScript. What is done for each message is in messages.cc.
class RingObject : public Napi::ObjectWrap<RingObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit RingObject(const Napi::CallbackInfo& info);
  ~RingObject() override;

 private:
  Napi::Value spin(const Napi::CallbackInfo& info);
  Napi::Value woke(const Napi::CallbackInfo& info);
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

  void detach();

  Ring ring_;
  int unlocked_ = -1;  // of a ring in a file
  std::shared_ptr<RingTable> table_;  // nullptr: detached
  uint32_t number_ = 0;
  SpinBeforeSleep waits_;  // of those who do not sleep in the ring
};

}  // namespace forkful
