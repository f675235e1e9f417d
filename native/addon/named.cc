#include "addon/named.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "addon/convert.h"
#include "addon/ring_object.h"
#include "core/named_file.h"

namespace forkful {
namespace {

// (file, { dataBytes, maxItems, maxBytes, joinable }) -> fd
Napi::Value create_ring(const Napi::CallbackInfo& info) {
  const std::string file = info[0].As<Napi::String>();
  Ring::Limits limits = ring_limits(info[1].As<Napi::Object>());
  limits.in_file = true;
  const int fd = create_named_file(file, [&](int empty) {
    if (ftruncate(empty, static_cast<off_t>(Ring::region_bytes(limits.data_bytes, limits.has_ledger))) != 0) {
      return -errno;
    }
    Ring ring;
    return -ring.create(empty, 0, limits);
  });
  return Napi::Number::New(info.Env(), checked(info.Env(), "create", fd));
}

// (file) -> fd
Napi::Value open_file(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(),
                           checked(info.Env(), "open", open_named_file(info[0].As<Napi::String>().Utf8Value())));
}

// (file)
Napi::Value remove_if_unused(const Napi::CallbackInfo& info) {
  remove_unused_file(info[0].As<Napi::String>());
  return info.Env().Undefined();
}

// (fd, file)
Napi::Value give_up(const Napi::CallbackInfo& info) {
  give_up_file(integer(info[0]), info[1].As<Napi::String>());
  return info.Env().Undefined();
}

// () -> a descriptor that is readable when a watched file's bell was rung
Napi::Value open_bells(const Napi::CallbackInfo& info) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  return Napi::Number::New(info.Env(), checked(info.Env(), "inotify_init1", fd < 0 ? -errno : fd));
}

// (bells, fd) -> number; the same one for the same file
Napi::Value watch_bell(const Napi::CallbackInfo& info) {
  const std::string path = "/proc/self/fd/" + std::to_string(integer(info[1]));
  const int number = inotify_add_watch(integer(info[0]), path.c_str(), IN_MODIFY);
  return Napi::Number::New(info.Env(), checked(info.Env(), "inotify_add_watch", number < 0 ? -errno : number));
}

// (bells, number)
Napi::Value unwatch_bell(const Napi::CallbackInfo& info) {
  inotify_rm_watch(integer(info[0]), integer(info[1]));
  return info.Env().Undefined();
}

// (bells) -> the numbers of those that were rung; -1: any may have been. All that was heard before is forgotten.
Napi::Value read_bells(const Napi::CallbackInfo& info) {
  alignas(inotify_event) char buffer[4096];
  std::vector<int> numbers;
  for (;;) {
    const ssize_t bytes = read(integer(info[0]), buffer, sizeof buffer);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) break;
    for (ssize_t at = 0; at < bytes;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      numbers.push_back(event->wd);  // an overflow's is -1
    }
  }
  return array(info.Env(), numbers);
}

}  // namespace

void define_named(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  define("createNamedRing", create_ring);
  define("openNamedFile", open_file);
  define("removeNameIfUnused", remove_if_unused);
  define("giveUpName", give_up);
  define("openBells", open_bells);
  define("watchBell", watch_bell);
  define("unwatchBell", unwatch_bell);
  define("readBells", read_bells);
}

}  // namespace forkful
