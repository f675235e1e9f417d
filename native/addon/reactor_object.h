#pragma once
#include <napi.h>
#include <uv.h>

#include "core/spin.h"

namespace forkful {

// All descriptors that one JavaScript thread waits for, edge-triggered, in one epoll of its own, which libuv watches.
// Reading the epoll consumes the edges privately: no waiter of another process can miss one for it.
//
// A thread that expects a record soon spins for it before its event loop would sleep, while that pays. Invariant: a ring
// whose arming was put off for that is armed before the loop sleeps.
class ReactorObject : public Napi::ObjectWrap<ReactorObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ReactorObject(const Napi::CallbackInfo& info);
  void part_from_parent();

 private:
  struct Poll {  // outlives the object until libuv has let go of the handle
    uv_poll_t handle;
    uv_prepare_t before_sleep;
    uv_idle_t no_sleep;
    ReactorObject* owner;
    int epoll_fd;
    int open_handles;
  };

  Napi::Value add(const Napi::CallbackInfo& info);
  Napi::Value remove(const Napi::CallbackInfo& info);
  Napi::Value hold(const Napi::CallbackInfo& info);
  Napi::Value expect(const Napi::CallbackInfo& info);
  Napi::Value wait(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  uint32_t collect(int timeout_ms);
  void dispatch();
  void before_sleep();
  bool await_expected(bool may_spin);
  void call(const Napi::FunctionReference& function, napi_value argument);
  void shut();
  static void on_cleanup(void* self);

  napi_env env_;
  Poll* poll_ = nullptr;
  Napi::FunctionReference on_events_;
  Napi::FunctionReference on_expected_;
  SpinBeforeSleep waits_;  // for what is expected
  bool expecting_ = false;
  bool put_off_ = false;  // JavaScript has not armed what it has received
  uint32_t expected_ = 0;  // the ring's number
  napi_async_context async_context_ = nullptr;
};

}  // namespace forkful
