#include "addon/mapping_object.h"

#include <sys/mman.h>

#include <iterator>

#include "addon/convert.h"
#include "addon/shared_buffer.h"
#include "core/futex_word.h"

namespace forkful {
namespace {

// Mirrors ADVICE in lib/backend/mapping.ts.
constexpr int kAdvice[] = {MADV_NORMAL,    MADV_RANDOM,   MADV_SEQUENTIAL, MADV_WILLNEED,
                           MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_REMOVE};

// (bytes) -> fd
Napi::Value create(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), checked(info.Env(), "memfd_create", create_mapping(size_of(info[0]))));
}

// The word of an Int32Array of at least one element; nullptr for anything else, also for one that was detached. The
// hottest calls of this file: plain Node-API.
uint32_t* word_of(napi_env env, napi_value value) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return nullptr;
  return type == napi_int32_array && length > 0 ? static_cast<uint32_t*>(data) : nullptr;
}

napi_value refuse(napi_env env, const char* call) {
  napi_throw_type_error(env, nullptr, call);
  return nullptr;
}

napi_value number(napi_env env, int value) {
  napi_value result;
  return napi_create_int32(env, value, &result) == napi_ok ? result : nullptr;
}

// (Int32Array, expected, timeout in ms) -> WordWait
napi_value wait_for_word(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  int32_t expected = 0;
  double timeout = 0;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok ||
      napi_get_value_int32(env, arguments[1], &expected) != napi_ok ||
      napi_get_value_double(env, arguments[2], &timeout) != napi_ok) {
    return refuse(env, "futexWait");
  }
  uint32_t* const word = word_of(env, arguments[0]);
  if (word == nullptr) return refuse(env, "futexWait");
  return number(env, static_cast<int>(
                         wait_on_word(word, static_cast<uint32_t>(expected), Deadline::in_ms(timeout))));
}

// (Int32Array, how many at most) -> how many
napi_value wake_word(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  int32_t most = 0;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok ||
      napi_get_value_int32(env, arguments[1], &most) != napi_ok) {
    return refuse(env, "futexWake");
  }
  uint32_t* const word = word_of(env, arguments[0]);
  if (word == nullptr) return refuse(env, "futexWake");
  return number(env, futex_wake(word, most));
}

}  // namespace

Napi::Function MappingObject::define(Napi::Env env) {
  return DefineClass(env, "Mapping",
                     {InstanceMethod<&MappingObject::buffer>("buffer"),
                      InstanceMethod<&MappingObject::descriptor>("descriptor"),
                      InstanceMethod<&MappingObject::reserve>("reserve"),
                      InstanceMethod<&MappingObject::advise>("advise"),
                      InstanceMethod<&MappingObject::close>("close")});
}

// (fd), which is the mapping's from now on
MappingObject::MappingObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<MappingObject>(info) {
  auto mapping = std::make_shared<Mapping>();
  checked(info.Env(), "mmap", mapping->attach(integer(info[0])));
  mapping_ = std::move(mapping);
}

Mapping& MappingObject::use(const char* call) {
  if (!mapping_) throw Napi::TypeError::New(Env(), call);
  return *mapping_;
}

// The ArrayBuffer over the bytes; once.
Napi::Value MappingObject::buffer(const Napi::CallbackInfo& info) {
  use("buffer");
  return shared_buffer(info.Env(), mapping_);
}

Napi::Value MappingObject::descriptor(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), use("descriptor").descriptor());
}

Napi::Value MappingObject::reserve(const Napi::CallbackInfo& info) {
  checked(info.Env(), "fallocate", -use("reserve").reserve());
  return info.Env().Undefined();
}

// (offset, length, which of kAdvice)
Napi::Value MappingObject::advise(const Napi::CallbackInfo& info) {
  Mapping& mapping = use("advise");
  const auto which = info[2].As<Napi::Number>().Uint32Value();
  if (which >= std::size(kAdvice)) throw Napi::RangeError::New(info.Env(), "advise");
  checked(info.Env(), "madvise", -mapping.advise(size_of(info[0]), size_of(info[1]), kAdvice[which]));
  return info.Env().Undefined();
}

// (buffer)
Napi::Value MappingObject::close(const Napi::CallbackInfo& info) {
  close_shared_buffer(info.Env(), info[0], mapping_);
  return info.Env().Undefined();
}

void define_mappings(Napi::Env env, Napi::Object exports) {
  exports.Set("createMapping", Napi::Function::New(env, create, "createMapping"));
  const auto define = [&](const char* name, napi_callback function) {
    napi_value made;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &made) != napi_ok) {
      throw Napi::Error::New(env);
    }
    exports.Set(name, Napi::Value(env, made));
  };
  define("futexWait", wait_for_word);
  define("futexWake", wake_word);
}

}  // namespace forkful
