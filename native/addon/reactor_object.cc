#include "addon/reactor_object.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "addon/scratch.h"
#include "core/deadline.h"

namespace forkful {

Napi::Function ReactorObject::define(Napi::Env env) {
  return DefineClass(env, "Reactor",
                     {InstanceMethod<&ReactorObject::add>("add"), InstanceMethod<&ReactorObject::remove>("remove"),
                      InstanceMethod<&ReactorObject::hold>("hold"), InstanceMethod<&ReactorObject::wait>("wait"),
                      InstanceMethod<&ReactorObject::close>("close")});
}

// (onEvents: (count) => void): called from the event loop with the tokens in the scratch array.
ReactorObject::ReactorObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ReactorObject>(info), env_(info.Env()) {
  uv_loop_t* loop;
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) throw Napi::Error::New(env_, std::string("epoll_create1: ") + strerror(errno));
  poll_ = new Poll{{}, this, epoll_fd};
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok || uv_poll_init(loop, &poll_->handle, epoll_fd) != 0) {
    ::close(epoll_fd);
    delete poll_;
    poll_ = nullptr;
    throw Napi::Error::New(env_, "the event loop takes no descriptor");
  }
  poll_->handle.data = poll_;
  uv_unref(reinterpret_cast<uv_handle_t*>(&poll_->handle));
  uv_poll_start(&poll_->handle, UV_READABLE, [](uv_poll_t* handle, int, int) {
    if (ReactorObject* owner = static_cast<Poll*>(handle->data)->owner) owner->dispatch();
  });
  on_events_ = Napi::Persistent(info[0].As<Napi::Function>());
  napi_async_init(env_, Value(), Napi::String::New(env_, "forkful"), &async_context_);
  napi_add_env_cleanup_hook(env_, on_cleanup, this);
  Ref();  // lives as long as its environment, or until close()
}

void ReactorObject::on_cleanup(void* self) { static_cast<ReactorObject*>(self)->shut(); }

void ReactorObject::shut() {
  if (poll_ == nullptr) return;
  ::close(poll_->epoll_fd);
  poll_->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_->handle),
           [](uv_handle_t* handle) { delete static_cast<Poll*>(handle->data); });
  poll_ = nullptr;
}

// (fd, token): readiness to read and hang-up.
Napi::Value ReactorObject::add(const Napi::CallbackInfo& info) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  event.data.u32 = info[1].As<Napi::Number>().Uint32Value();
  const int fd = info[0].As<Napi::Number>().Int32Value();
  if (poll_ == nullptr || epoll_ctl(poll_->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw Napi::Error::New(env_, std::string("epoll_ctl: ") + strerror(errno));
  }
  return info.Env().Undefined();
}

Napi::Value ReactorObject::remove(const Napi::CallbackInfo& info) {
  if (poll_ != nullptr) {
    epoll_ctl(poll_->epoll_fd, EPOLL_CTL_DEL, info[0].As<Napi::Number>().Int32Value(), nullptr);
  }
  return info.Env().Undefined();
}

// (boolean): whether the event loop stays alive for this.
Napi::Value ReactorObject::hold(const Napi::CallbackInfo& info) {
  if (poll_ != nullptr) {
    auto* handle = reinterpret_cast<uv_handle_t*>(&poll_->handle);
    info[0].As<Napi::Boolean>().Value() ? uv_ref(handle) : uv_unref(handle);
  }
  return info.Env().Undefined();
}

uint32_t ReactorObject::collect(int timeout_ms) {
  epoll_event events[AddonData::kMostEvents];
  const int count = epoll_wait(poll_->epoll_fd, events, AddonData::kMostEvents, timeout_ms);
  if (count <= 0) return 0;  // EINTR too: whoever waits has a deadline and looks again
  uint32_t* out = AddonData::of(env_)->scratch;
  for (int i = 0; i < count; i++) out[i] = events[i].data.u32;
  return static_cast<uint32_t>(count);
}

// (timeout in ms; Infinity: for ever) -> number of tokens. Blocks the thread.
Napi::Value ReactorObject::wait(const Napi::CallbackInfo& info) {
  if (poll_ == nullptr) return Napi::Number::New(env_, 0);
  const Deadline deadline = Deadline::in_ms(info[0].As<Napi::Number>().DoubleValue());
  return Napi::Number::New(env_, collect(deadline.is_poll() ? 0 : deadline.left_ms()));
}

void ReactorObject::dispatch() {
  Napi::HandleScope scope(env_);
  const uint32_t count = collect(0);
  if (count == 0) return;
  napi_value argument = Napi::Number::New(env_, count);
  napi_value result;
  // Errors thrown by the callback become uncaught exceptions, as in any event handler.
  napi_make_callback(env_, async_context_, Value(), on_events_.Value(), 1, &argument, &result);
  bool pending = false;
  napi_is_exception_pending(env_, &pending);
  if (pending) {
    napi_value error;
    napi_get_and_clear_last_exception(env_, &error);
    napi_fatal_exception(env_, error);
  }
}

Napi::Value ReactorObject::close(const Napi::CallbackInfo& info) {
  if (poll_ != nullptr) {
    shut();
    napi_remove_env_cleanup_hook(env_, on_cleanup, this);
    napi_async_destroy(env_, async_context_);
    Unref();
  }
  return info.Env().Undefined();
}

}  // namespace forkful
