#pragma once
#include <napi.h>
#include <uv.h>

namespace forkful {

// All descriptors that one JavaScript thread waits for, edge-triggered, in one epoll of its own, which libuv watches.
// Reading the epoll consumes the edges privately: no waiter of another process can miss one for it.
class ReactorObject : public Napi::ObjectWrap<ReactorObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ReactorObject(const Napi::CallbackInfo& info);

 private:
  struct Poll {  // outlives the object until libuv has let go of the handle
    uv_poll_t handle;
    ReactorObject* owner;
    int epoll_fd;
  };

  Napi::Value add(const Napi::CallbackInfo& info);
  Napi::Value remove(const Napi::CallbackInfo& info);
  Napi::Value hold(const Napi::CallbackInfo& info);
  Napi::Value wait(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  uint32_t collect(int timeout_ms);
  void dispatch();
  void shut();
  static void on_cleanup(void* self);

  napi_env env_;
  Poll* poll_ = nullptr;
  Napi::FunctionReference on_events_;
  napi_async_context async_context_ = nullptr;
};

}  // namespace forkful
