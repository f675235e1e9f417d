#include "addon/mapping_object.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "addon/convert.h"
#include "addon/scratch.h"
#include "core/futex_word.h"

namespace forkful {
namespace {

// Mirrors lib/backend/native/mapping.ts.
constexpr int kAdvice[] = {MADV_NORMAL,    MADV_RANDOM,   MADV_SEQUENTIAL, MADV_WILLNEED,
                           MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_REMOVE};

uint64_t size_of(const Napi::Value& value) { return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value()); }

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
napi_value futex_wait(napi_env env, napi_callback_info info) {
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
napi_value futex_wake(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  int32_t most = 0;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok ||
      napi_get_value_int32(env, arguments[1], &most) != napi_ok) {
    return refuse(env, "futexWake");
  }
  uint32_t* const word = word_of(env, arguments[0]);
  if (word == nullptr) return refuse(env, "futexWake");
  return number(env, wake_word(word, most));
}

void let_go(napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Mapping>*>(hint); }

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
  const Mapping& mapping = use("buffer");
  auto owner = std::make_unique<std::shared_ptr<Mapping>>(mapping_);
  napi_value made;
  const napi_status status =
      napi_create_external_arraybuffer(info.Env(), mapping.data(), mapping.bytes(), let_go, owner.get(), &made);
  if (status == napi_no_external_buffers_allowed) {
    throw system_error(info.Env(), "napi_create_external_arraybuffer", ENOTSUP);
  }
  if (status != napi_ok) throw Napi::Error::New(info.Env());
  owner.release();
  return Napi::Value(info.Env(), made);
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

// (buffer): detaches it. If its bytes were transferred to another ArrayBuffer they are that one's, until it is collected.
Napi::Value MappingObject::close(const Napi::CallbackInfo& info) {
  if (!mapping_) return info.Env().Undefined();
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  if (!buffer.IsDetached()) {
    buffer.Detach();
    mapping_->retire();
    AddonData::of(info.Env())->late_blocks.add(mapping_, mapping_->bytes());
  }
  mapping_.reset();
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
  define("futexWait", futex_wait);
  define("futexWake", futex_wake);
}

}  // namespace forkful
