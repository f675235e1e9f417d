#pragma once
#include <napi.h>

#include <memory>

#include "core/mapping.h"

namespace forkful {

// Mapping for JavaScript. It lives as long as this object or the ArrayBuffer over its bytes, and goes, with the
// descriptor, when both are collected or their environment ends.
class MappingObject : public Napi::ObjectWrap<MappingObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit MappingObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value buffer(const Napi::CallbackInfo& info);
  Napi::Value descriptor(const Napi::CallbackInfo& info);
  Napi::Value reserve(const Napi::CallbackInfo& info);
  Napi::Value advise(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Mapping& use(const char* call);

  std::shared_ptr<Mapping> mapping_;  // null once closed
};

// createMapping, futexWait, futexWake.
void define_mappings(Napi::Env env, Napi::Object exports);

}  // namespace forkful
