#include "addon/block_object.h"

#include <string>

#include "addon/convert.h"
#include "addon/shared_buffer.h"
#include "core/named_file.h"

namespace forkful {
namespace {

// (bytes, kind) -> fd
Napi::Value create(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), checked(info.Env(), "memfd_create",
                                               create_block(size_of(info[0]), info[1].As<Napi::Number>().Uint32Value())));
}

// (bytes, kind, file) -> fd
Napi::Value create_named(const Napi::CallbackInfo& info) {
  const uint64_t bytes = size_of(info[0]);
  const uint32_t kind = info[1].As<Napi::Number>().Uint32Value();
  const std::string file = info[2].As<Napi::String>();
  const int fd = create_named_file(file, [&](int empty) { return initialise_block(empty, bytes, kind); });
  return Napi::Number::New(info.Env(), checked(info.Env(), "create", fd));
}

Napi::Value remove_unused(const Napi::CallbackInfo& info) {
  remove_unused_files();
  return info.Env().Undefined();
}

}  // namespace

Napi::Function BlockObject::define(Napi::Env env) {
  const Napi::ClassPropertyDescriptor<BlockObject> plain_run(
      napi_property_descriptor{"run", nullptr, run, nullptr, nullptr, nullptr, napi_default_method, nullptr});
  return DefineClass(env, "Block",
                     {plain_run, InstanceMethod<&BlockObject::buffer>("buffer"),
                      InstanceMethod<&BlockObject::kind>("kind"),
                      InstanceMethod<&BlockObject::descriptor>("descriptor"),
                      InstanceMethod<&BlockObject::ring>("ring"),
                      InstanceMethod<&BlockObject::remove_name>("removeName"),
                      InstanceMethod<&BlockObject::close>("close")});
}

// (fd, apart), the descriptor is the block's from now on
BlockObject::BlockObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BlockObject>(info) {
  auto block = std::make_shared<SharedBlock>();
  checked(info.Env(), "mmap", block->attach(integer(info[0]), info[1].ToBoolean()));
  id_ = block->id();
  block_ = std::move(block);
}

// The ArrayBuffer over the bytes; once.
Napi::Value BlockObject::buffer(const Napi::CallbackInfo& info) {
  if (!block_) throw Napi::TypeError::New(info.Env(), "buffer");
  return shared_buffer(info.Env(), block_);
}

Napi::Value BlockObject::kind(const Napi::CallbackInfo& info) {
  if (!block_) throw Napi::TypeError::New(info.Env(), "kind");
  return Napi::Number::New(info.Env(), block_->kind());
}

Napi::Value BlockObject::descriptor(const Napi::CallbackInfo& info) {
  if (!block_) throw Napi::TypeError::New(info.Env(), "descriptor");
  return Napi::Number::New(info.Env(), block_->descriptor());
}

Napi::Value BlockObject::ring(const Napi::CallbackInfo& info) {
  if (!block_) throw Napi::TypeError::New(info.Env(), "ring");
  block_->ring();
  return info.Env().Undefined();
}

// (fn, timeout in ms) -> whether fn(ownerDied) was called, with the lock held; what it throws is thrown. Plain
// Node-API: with a worker being terminated nothing but returning is allowed, and the lock must be let go of then too.
napi_value BlockObject::run(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2], self, result;
  void* wrapped;
  double timeout = 0;
  if (napi_get_cb_info(env, info, &count, arguments, &self, nullptr) != napi_ok ||
      napi_unwrap(env, self, &wrapped) != napi_ok ||
      napi_get_value_double(env, arguments[1], &timeout) != napi_ok) {
    napi_throw_type_error(env, nullptr, "run");
    return nullptr;
  }
  const std::shared_ptr<SharedBlock> block = static_cast<BlockObject*>(wrapped)->block_;  // fn may close
  if (!block) {
    napi_throw_type_error(env, nullptr, "run");
    return nullptr;
  }
  const RobustMutex::Outcome outcome = block->lock(Deadline::in_ms(timeout));
  if (outcome == RobustMutex::Outcome::kBroken) {
    napi_throw_error(env, "EPROTO", "the lock is not a lock any more");
    return nullptr;
  }
  const bool locked = outcome != RobustMutex::Outcome::kTimedOut;
  if (locked) {
    napi_value undefined, owner_died, ignored;
    napi_status status = napi_get_undefined(env, &undefined);
    if (status == napi_ok) status = napi_get_boolean(env, outcome == RobustMutex::Outcome::kOwnerDied, &owner_died);
    if (status == napi_ok) status = napi_call_function(env, undefined, arguments[0], 1, &owner_died, &ignored);
    block->unlock();
    if (status != napi_ok) return nullptr;
  }
  return napi_get_boolean(env, locked, &result) == napi_ok ? result : nullptr;
}

// (file): takes the name away if it still leads to this block, closed or not
Napi::Value BlockObject::remove_name(const Napi::CallbackInfo& info) {
  const std::string file = info[0].As<Napi::String>();
  checked(info.Env(), "unlink", remove_named_file(file, [this](int fd) { return block_id(fd) == id_; }));
  return info.Env().Undefined();
}

// (buffer)
Napi::Value BlockObject::close(const Napi::CallbackInfo& info) {
  close_shared_buffer(info.Env(), info[0], block_);
  return info.Env().Undefined();
}

void define_blocks(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  define("createBlock", create);
  define("createNamedBlock", create_named);
  define("removeUnusedBlocks", remove_unused);
}

}  // namespace forkful
