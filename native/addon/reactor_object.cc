#include "addon/reactor_object.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "addon/scratch.h"
#include "core/deadline.h"

namespace forkful {
namespace {

// How long the loop's other events wait at most for those who answer each other without pause.
constexpr int64_t kTurnNs = 200'000;

}  // namespace

Napi::Function ReactorObject::define(Napi::Env env) {
  return DefineClass(env, "Reactor",
                     {InstanceMethod<&ReactorObject::add>("add"), InstanceMethod<&ReactorObject::remove>("remove"),
                      InstanceMethod<&ReactorObject::hold>("hold"), InstanceMethod<&ReactorObject::wait>("wait"),
                      InstanceMethod<&ReactorObject::expect>("expect"),
                      InstanceMethod<&ReactorObject::close>("close")});
}

// (onEvents: (count) => void, onExpected: (came) => void): the first is called from the event loop with the tokens in the
// scratch array; the second when what was expected came, which puts off the arming, and when it is to be made up for.
ReactorObject::ReactorObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ReactorObject>(info), env_(info.Env()) {
  uv_loop_t* loop;
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) throw Napi::Error::New(env_, std::string("epoll_create1: ") + strerror(errno));
  poll_ = new Poll{{}, {}, {}, this, epoll_fd, 3};
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
  uv_prepare_init(loop, &poll_->before_sleep);
  uv_idle_init(loop, &poll_->no_sleep);
  poll_->before_sleep.data = poll_->no_sleep.data = poll_;
  uv_unref(reinterpret_cast<uv_handle_t*>(&poll_->before_sleep));
  uv_unref(reinterpret_cast<uv_handle_t*>(&poll_->no_sleep));
  waits_.limit(AddonData::of(env_)->spin_ns);
  on_events_ = Napi::Persistent(info[0].As<Napi::Function>());
  on_expected_ = Napi::Persistent(info[1].As<Napi::Function>());
  napi_async_init(env_, Value(), Napi::String::New(env_, "forkful"), &async_context_);
  napi_add_env_cleanup_hook(env_, on_cleanup, this);
  AddonData::of(env_)->reactors.push_back(this);
  Ref();  // lives as long as its environment, or until close()
}

void ReactorObject::on_cleanup(void* self) { static_cast<ReactorObject*>(self)->shut(); }

void ReactorObject::shut() {
  if (poll_ == nullptr) return;
  if (AddonData* data = AddonData::of(env_)) std::erase(data->reactors, this);
  ::close(poll_->epoll_fd);
  poll_->owner = nullptr;
  const auto closed = [](uv_handle_t* handle) {
    auto* poll = static_cast<Poll*>(handle->data);
    if (--poll->open_handles == 0) delete poll;
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_->handle), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_->before_sleep), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_->no_sleep), closed);
  poll_ = nullptr;
}

// In a child that has just been forked: what it watches from now on is not the parent's business, nor the reverse. The
// number stays, since the event loop knows it.
void ReactorObject::part_from_parent() {
  const int own = epoll_create1(EPOLL_CLOEXEC);
  if (own < 0 || poll_ == nullptr) return;
  dup3(own, poll_->epoll_fd, O_CLOEXEC);
  ::close(own);
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
  waits_.woke();
  call(on_events_, Napi::Number::New(env_, count));
}

// (number of a ring): something comes soon.
Napi::Value ReactorObject::expect(const Napi::CallbackInfo& info) {
  waits_.forget();
  if (poll_ == nullptr || !waits_.allowed()) return info.Env().Undefined();
  expected_ = info[0].As<Napi::Number>().Uint32Value();
  expecting_ = true;
  uv_prepare_start(&poll_->before_sleep, [](uv_prepare_t* handle) {
    if (ReactorObject* owner = static_cast<Poll*>(handle->data)->owner) owner->before_sleep();
  });
  return info.Env().Undefined();
}

void ReactorObject::before_sleep() {
  Napi::HandleScope scope(env_);
  uv_idle_stop(&poll_->no_sleep);
  const int64_t turn_ends = monotonic_ns() + kTurnNs;
  while (expecting_ || put_off_) {
    const bool sleeps = uv_backend_timeout(poll_->handle.loop) != 0;  // else it has other things to do
    if (expecting_ && monotonic_ns() > turn_ends) {
      uv_idle_start(&poll_->no_sleep, [](uv_idle_t*) {});
      return;
    }
    const bool came = expecting_ && await_expected(sleeps);
    if (expecting_ && !came && !sleeps) return;  // the loop comes round
    expecting_ = false;
    if (!came && !put_off_) break;
    put_off_ = came;
    call(on_expected_, Napi::Boolean::New(env_, came));
    if (poll_ == nullptr) return;
  }
  uv_prepare_stop(&poll_->before_sleep);
}

bool ReactorObject::await_expected(bool may_spin) {
  const Ring* ring = AddonData::of(env_)->rings->at(expected_);
  if (ring == nullptr) return false;
  const auto has_come = [ring] { return ring->items() != 0; };
  return may_spin ? waits_.spin(has_come) : has_come();
}

void ReactorObject::call(const Napi::FunctionReference& function, napi_value argument) {
  napi_value result;
  // Errors thrown by the callback become uncaught exceptions, as in any event handler.
  napi_make_callback(env_, async_context_, Value(), function.Value(), 1, &argument, &result);
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
