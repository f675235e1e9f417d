// What Node itself costs when another process wakes its event loop: an eventfd, a uv_poll and a callback, and nothing else.
#include <node_api.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include <cstdint>

namespace {

struct Watch {
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  uv_poll_t poll;
  int fd;
};

int32_t integer(napi_env env, napi_value value) {
  int32_t result = -1;
  napi_get_value_int32(env, value, &result);
  return result;
}

napi_value number(napi_env env, int32_t value) {
  napi_value result;
  napi_create_int32(env, value, &result);
  return result;
}

// () -> descriptor
napi_value create(napi_env env, napi_callback_info) { return number(env, eventfd(0, EFD_NONBLOCK)); }

// (descriptor)
napi_value ring(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  const uint64_t one = 1;
  return number(env, static_cast<int32_t>(write(integer(env, argument), &one, sizeof one)));
}

void on_readable(uv_poll_t* poll, int, int) {
  auto* watch = static_cast<Watch*>(poll->data);
  uint64_t value;
  if (read(watch->fd, &value, sizeof value) < 0) return;
  napi_handle_scope scope;
  napi_open_handle_scope(watch->env, &scope);
  napi_value callback, undefined, global;
  napi_get_reference_value(watch->env, watch->callback, &callback);
  napi_get_undefined(watch->env, &undefined);
  napi_get_global(watch->env, &global);
  napi_make_callback(watch->env, watch->context, global, callback, 0, nullptr, nullptr);
  napi_close_handle_scope(watch->env, scope);
}

// (descriptor, callback): for as long as the process lives
napi_value watch(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2], name, resource;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  auto* made = new Watch{env, nullptr, nullptr, {}, integer(env, arguments[0])};
  napi_create_reference(env, arguments[1], 1, &made->callback);
  napi_create_string_utf8(env, "poll", NAPI_AUTO_LENGTH, &name);
  napi_create_object(env, &resource);
  napi_async_init(env, resource, name, &made->context);
  uv_loop_t* loop;
  napi_get_uv_event_loop(env, &loop);
  uv_poll_init(loop, &made->poll, made->fd);
  made->poll.data = made;
  uv_poll_start(&made->poll, UV_READABLE, on_readable);
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {{"create", create}, {"ring", ring}, {"watch", watch}};
  for (const auto& [name, call] : functions) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
  return exports;
}
